"""One request to one server, from the connection to the answer. What fails is a Trouble that says what it means."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from vlmcli.core import Answer
from vlmcli.engine.server.address import Address
from vlmcli.engine.server.events import EventReader
from vlmcli.engine.server.failures import (
    Trouble,
    is_page,
    of_connection,
    of_cut,
    of_message,
    of_reply,
    of_silence,
    on_one_line,
)
from vlmcli.engine.server.http import BadReply, Connection, Reply, Wire, head_of
from vlmcli.engine.server.keys import Secrets
from vlmcli.engine.server.reading import Reading, SaidError
from vlmcli.errors import ServerError

PATH = "/chat/completions"
_MOST_ERROR_BYTES = 1 << 16
_MOST_ANSWER_BYTES = 1 << 28
_LOST = (OSError, EOFError, BadReply)


@dataclass(slots=True)
class Host:
    """A server, and how it is spoken to. `spoke`: it has answered something well."""

    address: Address
    secrets: Secrets
    model: str
    silence_s: float
    wire: Wire
    spoke: bool = False

    def head(self, size_bytes: int) -> bytes:
        return head_of("POST", self.address, PATH, self.secrets.headers, size_bytes)


async def exchange(
    host: Host, body: bytes, reading: Reading, show: Callable[[str], None] | None, deadline_s: float | None
) -> Answer:
    """Send `body`, and read the answer into `reading`. `show`: is handed the words as they come.

    `deadline_s`: by the loop's clock; at it, the answer is what was said so far. Raises Trouble.
    """
    loop = asyncio.get_running_loop()
    silent = asyncio.timeout(None)

    def heard() -> None:
        patient_s = loop.time() + host.silence_s
        silent.reschedule(patient_s if deadline_s is None else min(patient_s, deadline_s))

    try:
        async with silent:
            heard()
            connection, reply = await _ask(host, body)
            try:
                await _read(host, connection, reply, reading, heard, show)
            except BaseException:
                connection.close()
                raise
            host.wire.give_back(connection)
    except TimeoutError:
        if deadline_s is not None and loop.time() >= deadline_s:
            return reading.answer("timeout")
        raise of_silence(host.address, host.silence_s) from None
    if reading.was_filtered and not reading.text.text:
        raise Trouble(ServerError(f"{host.address.origin} refused to answer: its filter was against it."), "this")
    host.spoke = True
    return reading.answer()


async def _ask(host: Host, body: bytes) -> tuple[Connection, Reply]:
    """The reply's head. A connection that was kept may have been closed meanwhile: then once more over a new one."""
    head = host.head(len(body))
    fresh = False
    while True:
        try:
            connection = await host.wire.connect(fresh)
        except (OSError, ssl.SSLError) as error:
            raise of_connection(error, host.address) from None
        try:
            return connection, await connection.ask(head, body)
        except _LOST as error:
            connection.close()
            if connection.is_fresh or not isinstance(error, ConnectionError):
                raise of_connection(error, host.address) from None
            fresh = True
        except BaseException:
            connection.close()
            raise


async def _read(
    host: Host,
    connection: Connection,
    reply: Reply,
    reading: Reading,
    heard: Callable[[], None],
    show: Callable[[str], None] | None,
) -> None:
    if reply.status != 200:
        raise of_reply(reply, await _first_bytes(connection, reply), host.address, host.model, host.secrets)
    if reply.kind != "text/event-stream":
        await _read_at_once(host, connection, reply, reading, show)
        return
    events, size = EventReader(), 0
    try:
        async for piece in connection.read(reply):
            heard()
            size += len(piece)
            _check_size(size, host)
            for event in events.feed(piece):
                _take(event, reading, host, show)
            if reading.is_over and reading.text.stopped_by:
                return  # the connection, in the middle of a reply, is not used again
        for event in events.finish():
            _take(event, reading, host, show)
    except ValueError:  # a line without an end
        raise _no_answer(host) from None
    except _LOST:
        if not reading.is_whole:
            raise of_cut(host.address) from None
    if not reading.is_whole:
        raise of_cut(host.address)


async def _read_at_once(
    host: Host, connection: Connection, reply: Reply, reading: Reading, show: Callable[[str], None] | None
) -> None:
    """A whole answer, from a server that does not stream; or a page, or what is no answer at all."""
    body = b""
    try:
        async for piece in connection.read(reply):
            body += piece
            _check_size(len(body), host)
    except _LOST:
        raise of_cut(host.address) from None
    if is_page(reply, body):
        raise of_reply(reply, body, host.address, host.model, host.secrets)
    _take(body.decode("utf-8", "replace"), reading, host, show)
    if not reading.is_whole:
        raise _no_answer(host)


def _take(event: str, reading: Reading, host: Host, show: Callable[[str], None] | None) -> None:
    try:
        reading.take(event)
    except SaidError as error:
        said = on_one_line(error.said, host.secrets)
        raise of_message(said, error.status, host.address, host.model) from None
    except (ValueError, TypeError, AttributeError, KeyError):
        raise _no_answer(host) from None
    if show and (words := reading.words()):
        show(words)


async def _first_bytes(connection: Connection, reply: Reply) -> bytes:
    """Of the body of an error: as much as may be of use, also where it is cut."""
    body = b""
    try:
        async for piece in connection.read(reply):
            body += piece
            if len(body) > _MOST_ERROR_BYTES:
                break
    except _LOST:
        pass
    return body


def _check_size(size_bytes: int, host: Host) -> None:
    if size_bytes > _MOST_ANSWER_BYTES:
        raise Trouble(ServerError(f"The answer of {host.address.origin} has no end."), "this")


def _no_answer(host: Host) -> Trouble:
    sentence = f"What {host.address.origin} answers is not what /chat/completions answers."
    return Trouble(ServerError(sentence, "Check the address: --engine URL"), "all" if not host.spoke else "again")
