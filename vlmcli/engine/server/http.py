"""As much of HTTP/1.1 as asking a server takes: a POST or a GET, a reply read piece by piece, connections kept.

Written out because the usual clients cost more than the server's answer: see benchmarks/servers.py. Nothing is
followed anywhere: a redirect is a reply like others, so that a key goes to the host it was meant for and no other.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

from vlmcli.engine.server.address import Address

_CONNECT_S = 10.0
_PIECE_BYTES = 1 << 16
_MOST_HEADER_BYTES = 1 << 16
_FIRST_ERROR, _LAST_INFORMATION = 400, 199


class BadReply(Exception):
    """What came is no HTTP."""


class NothingSaid(ConnectionError):
    """The connection ended before the first byte of a reply."""


@dataclass(slots=True)
class Reply:
    """A reply whose body is still to be read. Names of headers are lower case."""

    status: int
    headers: dict[str, str]

    @property
    def kind(self) -> str:
        """text/html, application/json, …"""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Connection:
    """One connection to a server. `is_fresh`: nothing was asked over it yet."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.is_fresh = True
        self.is_reusable = False

    async def ask(self, head: bytes, body: bytes = b"") -> Reply:
        """Send a request. Raises NothingSaid, BadReply, OSError."""
        self.is_reusable = False
        with suppress(ConnectionError):  # it may have answered, and hung up, before it had read all
            self._writer.writelines((head, body))
            await self._writer.drain()
        while True:
            reply = await self._read_head()
            if reply.status > _LAST_INFORMATION:
                return reply

    async def _read_head(self) -> Reply:
        try:
            raw = await self._reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            if not error.partial:
                raise NothingSaid from None
            raise BadReply from None
        except asyncio.LimitOverrunError:
            raise BadReply from None
        first, *lines = raw[:-4].decode("latin-1").split("\r\n")
        version, _, rest = first.partition(" ")
        if not version.startswith("HTTP/1.") or not rest[:3].isdecimal():
            raise BadReply
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        self._keeps = headers.get("connection", "").lower() != "close" and version != "HTTP/1.0"
        return Reply(int(rest[:3]), headers)

    async def read(self, reply: Reply) -> AsyncIterator[bytes]:
        """The body as it comes. Raises ConnectionError where it is cut, BadReply where it makes no sense."""
        try:
            if reply.headers.get("transfer-encoding", "").lower() == "chunked":
                async for piece in self._read_chunks():
                    yield piece
            elif "content-length" in reply.headers:
                async for piece in self._read_exactly(int(reply.headers["content-length"])):
                    yield piece
            else:
                self._keeps = False
                while piece := await self._reader.read(_PIECE_BYTES):
                    yield piece
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            raise ConnectionResetError from None
        except ValueError:
            raise BadReply from None
        self.is_fresh, self.is_reusable = False, self._keeps

    async def _read_chunks(self) -> AsyncIterator[bytes]:
        while True:
            line = await self._reader.readuntil(b"\n")
            size = int(line.partition(b";")[0], 16)
            if size == 0:
                while (await self._reader.readuntil(b"\n")).strip():
                    pass  # trailers
                return
            if size <= _PIECE_BYTES:
                yield (await self._reader.readexactly(size + 2))[:-2]
                continue
            async for piece in self._read_exactly(size):
                yield piece
            await self._reader.readexactly(2)

    async def _read_exactly(self, size: int) -> AsyncIterator[bytes]:
        while size > 0:
            piece = await self._reader.read(min(size, _PIECE_BYTES))
            if not piece:
                raise ConnectionResetError
            size -= len(piece)
            yield piece

    def close(self) -> None:
        self._writer.close()


@dataclass(slots=True)
class Wire:
    """The connections to one server that nobody uses just now, the last one used last."""

    address: Address
    _idle: list[Connection] = field(default_factory=list)
    _tls: ssl.SSLContext | None = None

    async def connect(self, fresh: bool = False) -> Connection:
        """A connection; one that was used before unless `fresh`. Raises OSError, ssl.SSLError, TimeoutError."""
        if self._idle and not fresh:
            return self._idle.pop()
        if self.address.secure and self._tls is None:
            self._tls = ssl.create_default_context()
        async with asyncio.timeout(_CONNECT_S):
            streams = await asyncio.open_connection(
                self.address.host, self.address.port, ssl=self._tls, limit=_MOST_HEADER_BYTES
            )
        return Connection(*streams)

    def give_back(self, connection: Connection) -> None:
        if connection.is_reusable:
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


def head_of(method: str, address: Address, path: str, headers: dict[str, str], size_bytes: int) -> bytes:
    """The head of a request for `path` below the address's own. Raises ValueError for a header with a line break."""
    host = address.origin.partition("//")[2]
    fields = {"Host": host, "Accept": "text/event-stream, application/json", "User-Agent": "vlm", **headers}
    if method == "POST":
        fields |= {"Content-Type": "application/json", "Content-Length": str(size_bytes)}
    lines = [f"{method} {address.path}{path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a line break in a header")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
