"""HTTP as servers really write it: in any pieces, of any length, and connections that are closed behind one's back."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import Result
from tests.engine.server.fake import ANSWER, WORDS, event
from vlmcli.engine.server.address import parse_address
from vlmcli.engine.server.http import BadReply, Connection, NothingSaid, Reply, head_of

Run = Callable[..., Result]

BODY = b'data: {"a": 1}\n\ndata: [DONE]\n\n'
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream; x\r\nTransfer-Encoding: chunked\r\n\r\n"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


def received(*pieces: bytes) -> tuple[Reply, bytes, bool]:
    """What a client makes of these bytes: the reply, its body, and whether the connection can be used again."""

    async def read() -> tuple[Reply, bytes, bool]:
        reader = asyncio.StreamReader()
        connection = Connection(reader, _Nowhere())  # type: ignore[arg-type]
        for piece in pieces:
            reader.feed_data(piece)
        reader.feed_eof()
        reply = await connection.ask(b"")
        body = b"".join([piece async for piece in connection.read(reply)])
        return reply, body, connection.is_reusable

    return asyncio.run(read())


class _Nowhere:
    def writelines(self, data: object) -> None:
        pass

    async def drain(self) -> None:
        pass


def chunked(sizes: list[int]) -> bytes:
    """BODY in chunks of these sizes, with an extension and a trailer."""
    rest, stream = BODY, CHUNKED
    for size in sizes:
        part, rest = rest[:size], rest[size:]
        stream += b"%x;name=value\r\n%s\r\n" % (len(part), part) if part else b""
    stream += b"%X\r\n%s\r\n" % (len(rest), rest) if rest else b""
    return stream + b"0\r\nTrailer: x\r\n\r\n"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 9), max_size=6))
def test_chunks_of_any_size(sizes: list[int]) -> None:
    reply, body, reusable = received(chunked(sizes))
    assert (reply.status, reply.kind, body, reusable) == (200, "text/event-stream", BODY, True)


def test_a_large_chunk() -> None:
    data = bytes(300_000)
    assert received(CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data))[1] == data


def test_a_length_an_end_and_an_information_before() -> None:
    assert received(WHOLE)[1:] == (BODY, True)
    assert received(b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE)[1:] == (BODY, True)
    assert received(b"HTTP/1.1 200 OK\r\n\r\n" + BODY)[1:] == (BODY, False)
    assert received(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")[1:] == (b"", False)
    assert received(WHOLE.replace(b"Content-L", b"Connection: Close\r\nContent-L"))[2] is False


@pytest.mark.parametrize(
    "stream", [WHOLE[:-1], chunked([5])[:-1], chunked([5])[:-9], CHUNKED + b"5\r\nab", CHUNKED], ids=range(5)
)
def test_a_cut_is_noticed(stream: bytes) -> None:
    with pytest.raises(ConnectionError):
        received(stream)


@pytest.mark.parametrize(
    "stream",
    [b"SSH-2.0\r\n\r\n", b"HTTP/1.1 OK\r\n\r\n", b"HTTP/1.1 200", b"x" * 3_000_000, CHUNKED + b"no number\r\n"],
    ids=range(5),
)
def test_nonsense_is_noticed(stream: bytes) -> None:
    with pytest.raises(BadReply):
        received(stream)


def test_silence_is_noticed() -> None:
    with pytest.raises(NothingSaid):
        received()


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_no_bytes_break_it(data: bytes) -> None:
    try:
        received(data)
        received(CHUNKED + data)
    except (BadReply, ConnectionError):
        pass


def test_a_header_cannot_smuggle_another() -> None:
    with pytest.raises(ValueError, match="line break"):
        head_of("GET", parse_address("http://a"), "/models", {"x": "y\r\nz: 1"}, 0)


# --- connections --------------------------------------------------------------------------------------------


@contextmanager
def raw_server(answers_each: int) -> Iterator[tuple[str, list[int]]]:
    """A server that closes each connection, without a word, after so many answers; and how many each has given."""
    words = b"".join(event({"choices": [{"index": 0, "delta": {"content": each}}]}) for each in WORDS)
    said = words + event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    models = json.dumps({"data": [{"id": "m"}]}).encode()
    connections: list[int] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def talk(connection: socket.socket) -> None:
        number = len(connections)
        connections.append(0)
        held = b""
        while data := connection.recv(1 << 16):
            held += data
            head, _, body = held.partition(b"\r\n\r\n")
            size = int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0] or 0)
            if not head.endswith(b"\r\n") and b"\r\n\r\n" in held and len(body) >= size:
                held = body[size:]
                reply, kind = (models, b"application/json") if head.startswith(b"GET") else (said, b"text/event-stream")
                text = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (kind, len(reply))
                connection.sendall(text + reply)
                connections[number] += 1
                if connections[number] == answers_each:
                    break
        connection.close()

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}", connections
    listening.close()


def test_a_connection_is_used_again_and_one_that_was_closed_is_no_error(vlm: Run, picture: str) -> None:
    """Servers close what was idle: llama-server after five seconds."""
    with raw_server(answers_each=2) as (url, connections):
        questions = [option for n in range(6) for option in ("-q", f"Number {n}?")]
        result = vlm("ask", picture, *questions, "--engine", url, "--parallel", "1")
        assert (result.code, result.stdout.count(ANSWER), result.stderr) == (0, 6, "")
        assert connections == [1, 2, 2, 2]
