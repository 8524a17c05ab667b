"""llama-server as a peer: started, asked about pictures by a concurrent client, and stopped."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import stop
from pair import IMAGE_TOKENS, QUESTION, Pair

PATIENCE_S = 3600


@dataclass(frozen=True, slots=True)
class Server:
    """A llama-server that is up, with room for `slots` answers at once."""

    port: int
    slots: int
    tokens: int

    def answer_all(self, pictures: Sequence[Path]) -> float:
        """Seconds for all pictures, asked by one more client than there are slots, so that none ever waits."""
        started = time.perf_counter()
        with ThreadPoolExecutor(self.slots + 1) as clients:
            usages = list(clients.map(self._ask, pictures))
        seconds = time.perf_counter() - started
        for usage in usages:
            if usage["completion_tokens"] != self.tokens or usage["prompt_tokens"] < IMAGE_TOKENS:
                stop(f"llama-server is not comparable: {usage}")
        return seconds

    def _ask(self, picture: Path) -> dict[str, int]:
        """The counts of tokens of one answer."""
        uri = f"data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode()}"
        content = [{"type": "image_url", "image_url": {"url": uri}}, {"type": "text", "text": QUESTION}]
        body = {
            "messages": [{"role": "user", "content": content}],
            "max_tokens": self.tokens,
            "temperature": 0,
            "cache_prompt": False,
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
        reply = connection.getresponse()
        answer: dict[str, Any] = json.loads(reply.read())
        if reply.status != 200:
            stop(f"llama-server answered {reply.status}: {answer}")
        usage: dict[str, int] = answer["usage"]
        return usage


@contextmanager
def serving(pair: Pair, slots: int, tokens_each: int, more: Sequence[str] = ()) -> Iterator[Server]:
    """A server from when it is ready until the end of the block. `tokens_each`: the context of one answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [
        pair.tool("llama-server"), "-m", str(pair.decoder), "--mmproj", str(pair.projector),
        "-t", str(pair.threads), "-np", str(slots), "-c", str(slots * tokens_each), "--temp", "0",
        "--no-jinja", "--chat-template", "vicuna", "--host", "127.0.0.1", "--port", str(port), *more,
    ]  # fmt: skip
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_ready(process, port)
        yield Server(port, slots, pair.tokens)
    finally:
        process.terminate()
        process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    stop(f"llama-server did not start (it ended with {process.poll()})")
