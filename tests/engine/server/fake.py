"""Servers on this machine that speak /v1/chat/completions, and fail where they are told to."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WORDS = ("A", " red", " circle", ".")
ANSWER = "A red circle."
HTML = "<!doctype html><html><body>Please log in</body></html>"

Fault = Callable[["Handler"], None]


@dataclass(frozen=True)
class Asked:
    """A request. Names of headers are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


@dataclass
class Fake:
    """What one server does: `faults` are for the next requests, one each; `always` for all that have none."""

    words: tuple[str, ...] = WORDS
    models: tuple[str, ...] = ("circle-1",)
    owner: str = "fake"
    key: str = ""
    faults: deque[Fault | None] = field(default_factory=deque)
    always: Fault | None = None
    at_models: Fault | None = None
    asked: list[Asked] = field(default_factory=list)
    most_at_once: int = 0
    at_once: int = 0
    delay_s: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def chats(self) -> list[Asked]:
        return [each for each in self.asked if each.method == "POST"]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: Fake

    def log_message(self, *_: Any) -> None:
        pass

    def _note(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        self.body = json.loads(self.rfile.read(size)) if size else {}
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.fake.lock:
            self.fake.asked.append(Asked(self.command, self.path, headers, self.body))

    def do_GET(self) -> None:
        self._note()
        if self._is_stranger():
            return
        if self.fake.at_models:
            self.fake.at_models(self)
        elif self.path != "/v1/models":
            self.reply(404, {"error": {"message": "File Not Found", "code": 404}})
        else:
            data = [{"id": name, "object": "model", "owned_by": self.fake.owner} for name in self.fake.models]
            self.reply(200, {"object": "list", "data": data})

    def do_POST(self) -> None:
        if self.fake.over.is_set():  # of a connection that outlived the server
            self.hang_up()
            return
        self._note()
        if self._is_stranger():
            return
        with self.fake.lock:
            fault = self.fake.faults.popleft() if self.fake.faults else self.fake.always
            self.fake.at_once += 1
            self.fake.most_at_once = max(self.fake.most_at_once, self.fake.at_once)
        try:
            time.sleep(self.fake.delay_s)
            (fault or answer)(self)
        finally:
            with self.fake.lock:
                self.fake.at_once -= 1

    def _is_stranger(self) -> bool:
        if self.fake.key and self.headers.get("Authorization") != f"Bearer {self.fake.key}":
            self.reply(401, {"error": {"message": f"Invalid key: {self.headers.get('Authorization')}"}})
            return True
        return False

    # --- what faults are made of ----------------------------------------------------------------------------

    def reply(self, status: int, value: Any, kind: str = "application/json", **headers: str) -> None:
        body = value.encode() if isinstance(value, str) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, text in headers.items():
            self.send_header(name.replace("_", "-"), text)
        self.end_headers()
        self.wfile.write(body)

    def begin(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def piece(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def say(self, words: Iterable[str]) -> None:
        for each in words:
            self.piece(event({"choices": [{"index": 0, "delta": {"content": each}, "finish_reason": None}]}))

    def end(self, reason: str = "stop", done: bool = True, **more: Any) -> None:
        self.piece(event({"choices": [{"index": 0, "delta": {}, "finish_reason": reason, **more}]}))
        usage = {"prompt_tokens": 100, "completion_tokens": len(self.fake.words)}
        self.piece(event({"choices": [], "usage": usage}))
        if done:
            self.piece(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(2)


def event(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def answer(handler: Handler) -> None:
    handler.begin()
    handler.say(handler.fake.words)
    handler.end()


# --- faults -------------------------------------------------------------------------------------------------


def status(code: int, said: Any = "", kind: str = "application/json", **headers: str) -> Fault:
    value = {"error": {"message": said, "code": code}} if isinstance(said, str) and kind != "text/html" else said
    return lambda handler: handler.reply(code, value, kind, **headers)


def page(handler: Handler) -> None:
    handler.reply(200, HTML, "text/html")


def stall(handler: Handler) -> None:
    handler.fake.over.wait(30)
    handler.hang_up()


def stall_in_the_middle(handler: Handler) -> None:
    handler.begin()
    handler.say(handler.fake.words[:2])
    stall(handler)


def cut(handler: Handler) -> None:
    handler.begin()
    handler.say(handler.fake.words[:3])
    handler.hang_up()


def silent_end(handler: Handler) -> None:
    """Not a word."""
    handler.hang_up()


def without_done(handler: Handler) -> None:
    handler.begin()
    handler.say(handler.fake.words)
    handler.end(done=False)


def at_once(handler: Handler) -> None:
    """A whole answer, by a server that does not stream."""
    message = {"role": "assistant", "content": "".join(handler.fake.words)}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    handler.reply(200, {"choices": choices, "usage": {"prompt_tokens": 100, "completion_tokens": 4}})


def error_in_the_stream(handler: Handler) -> None:
    handler.begin()
    handler.piece(event({"error": {"message": "the GPU fell off the bus", "code": 500}}))
    handler.wfile.write(b"0\r\n\r\n")


def endless_line(handler: Handler) -> None:
    handler.begin()
    handler.piece(b"x" * (1 << 17))
    stall(handler)


def no_answer(handler: Handler) -> None:
    handler.reply(200, {"hello": "world"})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # who is interrupted hangs up in the middle


class Running:
    """A Fake that listens. `stop` and `start` again: at the same port."""

    def __init__(self, fake: Fake) -> None:
        self.fake = fake
        self._handler = type("FakeHandler", (Handler,), {"fake": fake})
        self.start()

    def start(self) -> None:
        self.fake.over.clear()
        self._server = _Server(("127.0.0.1", self.fake.port), self._handler)
        self.fake.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self.fake.over.set()
        self._server.shutdown()
        self._server.server_close()
