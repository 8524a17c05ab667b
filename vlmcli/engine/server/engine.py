"""The engine that asks servers: an event loop on a thread of its own, the caller's thread waits on a queue."""

from __future__ import annotations

import asyncio
import os
import threading
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue

from vlmcli.core import Answer, Event, Failed, Finished, LoadedImage, Request, ServedModel
from vlmcli.engine.server.address import parse_address
from vlmcli.engine.server.dialects import dialect_named
from vlmcli.engine.server.dispatch import Dispatch
from vlmcli.engine.server.exchange import Host
from vlmcli.engine.server.fleet import Fleet
from vlmcli.engine.server.http import Wire
from vlmcli.engine.server.keys import find_secrets
from vlmcli.engine.server.pace import MOST
from vlmcli.engine.taking import MOST_PIXEL_BYTES, pixel_bytes, take

Encode = Callable[[LoadedImage, int], tuple[str, bytes]]
"""A picture as a file of so many bytes at the most: its media type, and the bytes."""

_PATIENCE_S = 0.7
_URIS_KEPT_CHARS = 1 << 26
"""Of pictures that were sent lately: the next question may be about the same."""
_SMALL_BYTES = 1 << 18
"""Pixels that are encoded sooner than handed to another thread."""
_ENCODERS = 4
_POLL_S = 0.2 if os.name == "nt" else None  # a wait without end cannot be interrupted on Windows

_Outbox = SimpleQueue[list[Event | BaseException]]


class ServerEngine:
    """Nothing is connected before the first `stream`. `parallel` bounds what is in work; 0: as many as suit."""

    def __init__(self, model: ServedModel, encode: Encode, parallel: int = 0) -> None:
        self._model, self._dialect = model, dialect_named(model.dialect)
        self._pictures = _Pictures(encode, model.picture_limit_bytes)
        self._hosts = [_host(url, model) for url in model.urls]
        most = min(filter(None, (parallel, model.concurrency)), default=MOST)
        self._fleet = Fleet(self._hosts, most, fixed=bool(model.concurrency))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._outbox: _Outbox | None = None
        self._listens = self._interrupted = False

    def stream(self, requests: Iterable[Request | None]) -> Iterator[Event]:
        """See Engine.stream. Raises the error of servers that answer nothing."""
        loop = self._open_loop()
        outbox: _Outbox = SimpleQueue()
        self._outbox, self._interrupted = outbox, False
        dispatch = Dispatch(self._model, self._dialect, self._fleet, self._pictures.uris_of, outbox.put)
        in_flight: dict[int, int] = {}  # bytes of pixels of each
        try:
            yield from self._exchange(iter(requests), loop, dispatch, outbox, in_flight)
        except KeyboardInterrupt:
            yield from self._end_all(loop, dispatch, outbox, in_flight)
            raise
        finally:
            self._listens = False
            _call(loop, dispatch.end)

    def _exchange(
        self,
        source: Iterator[Request | None],
        loop: asyncio.AbstractEventLoop,
        dispatch: Dispatch,
        outbox: _Outbox,
        in_flight: dict[int, int],
    ) -> Iterator[Event]:
        """Feed the servers and hand out what they say, until all that was asked is answered."""
        exhausted = False
        while True:
            space = MOST_PIXEL_BYTES - sum(in_flight.values())
            room = dispatch.room - len(in_flight)
            if not exhausted and room > 0 and space > 0:
                self._listens = False
                batch, exhausted = take(source, room, space)
                self._listens = True
                in_flight.update((request.id, pixel_bytes(request)) for request in batch)
                if batch:
                    loop.call_soon_threadsafe(dispatch.add, batch)
            if exhausted and not in_flight:
                return
            for event in _get(outbox):
                if isinstance(event, BaseException):
                    raise event
                if isinstance(event, Finished | Failed):
                    del in_flight[event.id]
                yield event

    def _end_all(
        self, loop: asyncio.AbstractEventLoop, dispatch: Dispatch, outbox: _Outbox, in_flight: dict[int, int]
    ) -> Iterator[Event]:
        """What was answered meanwhile, and the rest with the words so far."""
        ended = _call(loop, dispatch.end)
        for event in _rest_of(outbox):
            if isinstance(event, Finished | Failed):
                in_flight.pop(event.id, None)
            if not isinstance(event, BaseException):
                yield event
        for finished in ended:
            if in_flight.pop(finished.id, None) is not None:
                yield finished
        for id in in_flight:
            yield Finished(id, Answer("", "interrupted"))

    def _open_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="server", daemon=True)
            self._thread.start()
        return self._loop

    def interrupt(self) -> bool:
        """See Engine.interrupt."""
        if not self._listens or self._interrupted or self._outbox is None:
            return False
        self._interrupted = True
        self._outbox.put([KeyboardInterrupt()])
        return True

    def close(self) -> bool:
        """See Engine.close. There is nothing that cannot be stopped."""
        loop, self._loop = self._loop, None
        if loop and self._thread:
            _call(loop, self._hang_up)
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join(_PATIENCE_S)
            if not self._thread.is_alive():
                loop.close()
        self._pictures.close()
        return True

    def _hang_up(self) -> list[Finished]:
        for host in self._hosts:
            host.wire.close()
        return []


def _host(url: str, model: ServedModel) -> Host:
    address = parse_address(url)
    secrets = find_secrets(address, model.key_variable, model.headers)
    return Host(address, secrets, model.name, model.silence_s, Wire(address))


class _Pictures:
    """Pictures as data URIs, each encoded once."""

    def __init__(self, encode: Encode, limit_bytes: int) -> None:
        self._encode, self._limit_bytes = encode, limit_bytes
        self._threads = ThreadPoolExecutor(min(_ENCODERS, os.cpu_count() or 1), "encode")
        self._kept: OrderedDict[str, str] = OrderedDict()
        self._kept_chars = 0
        self._running: dict[str, asyncio.Future[str]] = {}

    async def uris_of(self, request: Request) -> Mapping[str, str]:
        return {image.digest: await self._uri_of(image) for image in request.images}

    async def _uri_of(self, image: LoadedImage) -> str:
        if image.digest in self._kept:
            self._kept.move_to_end(image.digest)
            return self._kept[image.digest]
        if len(image.rgb) <= _SMALL_BYTES:
            return self._keep(image.digest, self._made(image))
        return await asyncio.shield(self._running.get(image.digest) or self._begin(image))

    def _begin(self, image: LoadedImage) -> asyncio.Future[str]:
        """Encode it on another thread, for all who want it meanwhile: one of them may be given up."""

        def ended(encoding: asyncio.Future[str]) -> None:
            del self._running[image.digest]
            if not encoding.cancelled() and encoding.exception() is None:
                self._keep(image.digest, encoding.result())

        encoding = asyncio.get_running_loop().run_in_executor(self._threads, self._made, image)
        self._running[image.digest] = encoding
        encoding.add_done_callback(ended)
        return encoding

    def _keep(self, digest: str, uri: str) -> str:
        self._kept[digest] = uri
        self._kept_chars += len(uri)
        while self._kept_chars > _URIS_KEPT_CHARS:
            self._kept_chars -= len(self._kept.popitem(last=False)[1])
        return uri

    def _made(self, image: LoadedImage) -> str:
        kind, data = self._encode(image, self._limit_bytes)
        return f"data:{kind};base64,{b64encode(data).decode()}"

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _call(loop: asyncio.AbstractEventLoop, function: Callable[[], list[Finished]]) -> list[Finished]:
    """Have the loop's thread call it; [] where that thread does not come to it in time."""
    result: Future[list[Finished]] = Future()

    def call() -> None:
        try:
            result.set_result(function())
        except BaseException as error:
            result.set_exception(error)

    try:
        loop.call_soon_threadsafe(call)
        return result.result(_PATIENCE_S)
    except (TimeoutError, RuntimeError):
        return []


def _get(outbox: _Outbox) -> list[Event | BaseException]:
    """What has been said: at least one thing, for which it waits."""
    while True:
        try:
            return outbox.get(timeout=_POLL_S) + _rest_of(outbox)
        except Empty:
            continue


def _rest_of(outbox: _Outbox) -> list[Event | BaseException]:
    events: list[Event | BaseException] = []
    while True:
        try:
            events += outbox.get_nowait()
        except Empty:
            return events
