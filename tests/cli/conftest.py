"""Models made out of the one in the box, and a pseudo-terminal with an emulated screen behind it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pyte
import pytest

from tests.hub.fixtures import hub
from vlmcli import demo
from vlmcli.gguf import read_header

__all__ = ["hub"]

PATIENCE_S = 60
END = 2


@pytest.fixture
def ask_demo(vlm: Callable[..., object], picture: str) -> Callable[..., object]:
    """`ask_demo("--seed", "1")`: a question about one picture to the model in the box, answered in four tokens."""

    def ask(*more: str, question: str = "How many shapes are there?", max_tokens: int = 4, **options: object) -> object:
        return vlm("ask", picture, question, "--model", "demo", "--max-tokens", str(max_tokens), *more, **options)

    return ask


def babbling(decoder: Path, context_tokens: int) -> bytes:
    """The decoder's file changed so that each token is as likely as any other, and the end of an answer never comes.

    Channel 0 of each token's embedding is large, that of the end as far on the other side, and the last norm lets
    nothing else through: the logits are two numbers, whatever the weights between have learned.
    """
    data = bytearray(decoder.read_bytes())
    header = read_header(decoder)
    embeddings, norm = header.tensors["token_embd.weight"], header.tensors["output_norm.weight"]
    assert (embeddings.type, norm.type) == ("F16", "F32")
    sizes = {"F16": 2, "F32": 4}
    start = len(data) - max(t.offset + -(-t.elements * sizes[t.type] // 32) * 32 for t in header.tensors.values())
    width, tokens = embeddings.shape
    for token in range(tokens):
        at = start + embeddings.offset + token * width * 2
        data[at : at + 2] = struct.pack("<e", -100.0 if token == END else 100.0)
    at = start + norm.offset
    data[at : at + 4 * width] = struct.pack(f"<{width}f", 1.0, *[0.0] * (width - 1))
    key = b"llama.context_length"
    at = data.index(key) + len(key) + 4  # past the number of its type
    data[at : at + 4] = struct.pack("<I", context_tokens)
    return bytes(data)


@pytest.fixture(scope="session")
def talker(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options of a model that says 30,000 tokens of nonsense to everything, at thousands of tokens a second."""
    return _talking(tmp_path_factory.mktemp("talker") / "talker.gguf", 16 * 2048)


@pytest.fixture(scope="session")
def short_talker(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The same, less patient: with a context of 512 tokens."""
    return _talking(tmp_path_factory.mktemp("talker") / "talker.gguf", 512)


def _talking(path: Path, context_tokens: int) -> list[str]:
    path.write_bytes(babbling(demo.DECODER, context_tokens))
    talking = ["--temperature", "1", "--seed", "1", "--max-tokens", "30000"]
    return ["--model", str(path), "--mmproj", str(demo.PROJECTOR), *talking]


class Shown(NamedTuple):
    """What a person saw: the lines of the screen, and every byte that was sent to it."""

    code: int
    lines: list[str]
    sent: str
    stdout: str

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def _open_terminal(columns: int, rows: int) -> tuple[int, int]:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    return master, slave


def _read_all(master: int, slave: int, process: subprocess.Popen[bytes]) -> bytes:
    """What the process wrote. A mark of ours follows its end, for Linux can lose the last words before a close."""
    received, marked, deadline = b"", False, time.monotonic() + PATIENCE_S
    while not received.endswith(b"\0"):
        if time.monotonic() > deadline:
            raise TimeoutError(received)
        if select.select([master], [], [], 0.01)[0]:
            received += os.read(master, 65536)
        elif process.poll() is not None and not marked:
            marked = bool(os.write(slave, b"\0"))
    return received[:-1]


@pytest.fixture
def on_terminal(start_vlm: Callable[..., subprocess.Popen[bytes]]) -> Callable[..., Shown]:
    """`on_terminal("ask", …, columns=40)`: a real process with all its streams on a pseudo-terminal.

    `piped`: its stdout is a pipe instead, and only stderr is seen. `typed`: keys that were pressed before it asked.
    """

    def run(
        *arguments: str,
        columns: int = 80,
        rows: int = 24,
        env: dict[str, str] | None = None,
        piped: bool = False,
        typed: str = "",
    ) -> Shown:
        master, slave = _open_terminal(columns, rows)
        os.write(master, typed.encode())
        stdout = subprocess.PIPE if piped else slave
        process = start_vlm(*arguments, stdin=slave, stdout=stdout, stderr=slave, env=env, start_new_session=True)
        try:
            sent = _read_all(master, slave, process)
        finally:
            os.close(slave)
            os.close(master)
        out = process.communicate(timeout=PATIENCE_S)[0] or b""
        screen = pyte.HistoryScreen(columns, rows, history=1000)
        pyte.ByteStream(screen).feed(sent)
        top = ["".join(line[column].data for column in range(columns)) for line in screen.history.top]
        lines = [line.rstrip() for line in [*top, *screen.display]]
        while lines and not lines[-1]:
            lines.pop()
        return Shown(process.returncode, lines, sent.decode(), out.decode())

    return run


@pytest.fixture
def pictures(draw: Callable[..., Path], picture: str) -> Sequence[str]:
    """Three good pictures in the current folder."""
    return [picture, draw("b.png", "blue").name, draw("c.png", "green", ["white square center"]).name]
