"""What asking a server costs beside the server: vlm's engine against bare async HTTP clients, the same requests.

The server is a stub in a process of its own that answers at once, with the events of five words. 64 requests are in
flight. The peers send ready bytes and read the answers' words out; vlm builds each request, keeps its pace, and hands
out events. Pictures are encoded once, before: what that costs is a row of its own.

Promises: at most 5 % fewer requests a second than httpx's asynchronous client, and at least 400. aiohttp, whose
parser is written in C, is measured where it is installed (pip install aiohttp).

    python benchmarks/servers.py
"""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

from measure import Row, compare, in_turns, options, report, stop

from vlmcli.core import Family, Finished, LoadedImage, Picture, Request, Sampling, ServedModel, Text, Turn
from vlmcli.engine.server.body import body_of
from vlmcli.engine.server.dialects import UNKNOWN
from vlmcli.engine.server.engine import ServerEngine
from vlmcli.images import encode

IN_FLIGHT = 64
SHARE, FEWEST = 0.95, 400.0
SIDE = 128
WORDS = (" There", " are", " two", " shapes", ".")
ANSWER = "There are two shapes."


def events() -> bytes:
    values: list[Any] = [
        {"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]} for word in WORDS
    ]
    values.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    values.append({"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": len(WORDS)}})
    lines = [json.dumps({"id": "c", "object": "chat.completion.chunk", "model": "stub"} | each) for each in values]
    return b"".join(b"data: %s\n\n" % line.encode() for line in [*lines, "[DONE]"])


class Stub(asyncio.Protocol):
    """Answers each request, whatever it says, as soon as it is whole."""

    body = events()
    reply = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    )

    def connection_made(self, transport: Any) -> None:
        self._transport, self._held = transport, bytearray()

    def data_received(self, data: bytes) -> None:
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._held[:end]).lower()
            size = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(self._held) < end + 4 + size:
                return
            del self._held[: end + 4 + size]
            self._transport.write(self.reply)


def serve(port_to: Any) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", 0, backlog=256)
        port_to.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def running_stub() -> Iterator[str]:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/v1"
    finally:
        process.terminate()


def pictures(many: int) -> list[LoadedImage]:
    """Distinct ones, half drawing and half noise."""
    blue = bytes((20, 60, 200)) * (SIDE * SIDE // 2)
    return [
        LoadedImage(f"{n}.png", SIDE, SIDE, blue + random.Random(n).randbytes(len(blue)), f"{n:064x}")
        for n in range(many)
    ]


def requests(many: int, images: list[LoadedImage]) -> list[Request]:
    return [
        Request(n, (Turn("user", (Picture(image), Text(f"Question {n}?"))),), Sampling(), one_of_many=True)
        for n, image in zip(range(many), itertools.cycle(images), strict=False)
    ]


# --- the clients --------------------------------------------------------------------------------------------


def by_vlm(url: str, asked: list[Request], known: bool) -> Callable[[], float]:
    """Requests a second. `known`: the pictures were sent before, so none is encoded."""
    model = ServedModel("stub", (url,), Family("server"), 4_000_000, 300.0, 120.0, concurrency=IN_FLIGHT)

    def run() -> float:
        engine = ServerEngine(model, encode)
        if known:
            first = {request.images[0].digest: request for request in asked}
            list(engine.stream(first.values()))
        began = time.perf_counter()
        answers = [event.answer.text for event in engine.stream(asked) if isinstance(event, Finished)]
        seconds = time.perf_counter() - began
        engine.close()
        return checked(answers, len(asked)) / seconds

    return run


def by_httpx(url: str, bodies: list[bytes]) -> Callable[[], float]:
    name = next(name for name in ("httpx", "httpx2") if importlib.util.find_spec(name))
    httpx: Any = importlib.import_module(name)

    async def run() -> float:
        async with httpx.AsyncClient(limits=httpx.Limits(max_connections=IN_FLIGHT), timeout=60) as client:

            async def ask(body: bytes) -> bytes:
                reply = await client.post(f"{url}/chat/completions", content=body, headers=JSON)
                return bytes(reply.content)

            return await by_workers(ask, bodies)

    return lambda: asyncio.run(run())


def by_aiohttp(url: str, bodies: list[bytes]) -> Callable[[], float]:
    aiohttp: Any = importlib.import_module("aiohttp")

    async def run() -> float:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT)) as client:

            async def ask(body: bytes) -> bytes:
                async with client.post(f"{url}/chat/completions", data=body, headers=JSON) as reply:
                    return bytes(await reply.read())

            return await by_workers(ask, bodies)

    return lambda: asyncio.run(run())


JSON = {"Content-Type": "application/json"}


async def by_workers(ask: Callable[[bytes], Any], bodies: list[bytes]) -> float:
    """Each of so many workers sends one after the other."""
    left, answers = iter(bodies), []

    async def work() -> None:
        for body in left:
            answers.append(words_of(await ask(body)))

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
    return checked(answers, len(bodies)) / (time.perf_counter() - began)


def words_of(reply: bytes) -> str:
    values = [json.loads(line[6:]) for line in reply.split(b"\n") if line.startswith(b"data: {")]
    return "".join(each["delta"].get("content", "") for value in values for each in value["choices"]).strip()


def checked(answers: list[str], wanted: int) -> int:
    if answers != [ANSWER] * wanted:
        stop("not every request was answered")
    return wanted


def main() -> None:
    parser = options(__doc__, rounds=5)
    parser.add_argument("--requests", type=int, default=4000, help="requests a run (default: %(default)s)")
    arguments = parser.parse_args()
    asked = requests(arguments.requests, pictures(16))
    each_new = requests(arguments.requests // 4, pictures(arguments.requests // 4))
    with running_stub() as url:
        uris = {image.digest: _uri(image) for image in pictures(16)}
        bodies = [body_of(request, "stub", UNKNOWN, uris) for request in asked]
        jobs = {"vlm": by_vlm(url, asked, known=True), "httpx": by_httpx(url, bodies)}
        if importlib.util.find_spec("aiohttp"):
            jobs["aiohttp"] = by_aiohttp(url, bodies)
        jobs["vlm, each picture encoded"] = by_vlm(url, each_new, known=False)
        rates = in_turns(jobs, arguments.rounds)
    unit = "requests/s"
    rows = [compare("64 in flight, against httpx", unit, rates["vlm"], rates["httpx"], SHARE, at_least=True)]
    if "aiohttp" in rates:
        rows.append(compare("64 in flight, against aiohttp", unit, rates["vlm"], rates["aiohttp"]))
    rows.append(Row("64 in flight, the slowest run", unit, min(rates["vlm"]), target=FEWEST, at_least=True))
    rows.append(Row(f"each with a new picture of {SIDE}x{SIDE}", unit, min(rates["vlm, each picture encoded"])))
    report(rows, arguments.json)


def _uri(image: LoadedImage) -> str:
    from base64 import b64encode

    kind, data = encode(image, 4_000_000)
    return f"data:{kind};base64,{b64encode(data).decode()}"


if __name__ == "__main__":
    main()
