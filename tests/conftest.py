"""What all tests share: a private home, no network, the real `main()`, real processes, and pictures that are drawn."""

from __future__ import annotations

import io
import itertools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PATIENCE_S = 60
"""How long a process may take on a busy machine before a test gives it up. No test measures time by it."""

# What a terminal or a CI service says about itself would change what is printed. Typer reads some of it at import.
for _name in ("NO_COLOR", "FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS", "COLUMNS", "LINES", "TERMINAL_WIDTH"):
    os.environ.pop(_name, None)


# A job in the background of a script is started deaf to Ctrl-C, and all that it starts would be: the tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: many a test waits for a process that it started."""
    return (os.cpu_count() or 1) + 1


_homes = itertools.count()


@pytest.fixture(autouse=True)
def private_environment(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty home and empty caches; nothing of VLM_* or of Hugging Face from outside; no way out through a proxy."""
    for name in os.environ:
        if name.startswith(("VLM_", "HF_", "HUGGING", "XDG_")):
            monkeypatch.delenv(name)
    home = str(tmp_path_factory.getbasetemp() / f"home-{next(_homes)}")
    os.mkdir(home)
    folders = {"HOME": "", "USERPROFILE": "", "HF_HOME": "hf"}
    folders |= {f"XDG_{kind}_HOME": kind.lower() for kind in ("CACHE", "CONFIG", "DATA", "STATE")}
    for name, folder in folders.items():
        monkeypatch.setenv(name, os.path.join(home, folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("VLM_CACHE", "off")  # no test answers for another; tests/cache turns it on
    monkeypatch.setenv("TERM", "xterm-256color")
    # Two threads that wait for each other on two busy processors are a hundred times slower than one.
    monkeypatch.setenv("VLM_THREADS", "1")
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """A connection to anywhere but this machine is an error, and so is asking for its address."""

    def is_near(address: Any) -> bool:
        if not isinstance(address, tuple):
            return True  # a Unix socket
        return str(address[0]) in ("localhost", "::1", "") or str(address[0]).startswith("127.")

    def guarded(real: Callable[..., Any]) -> Callable[..., Any]:
        def connect(self: socket.socket, address: Any) -> Any:
            if not is_near(address):
                raise PermissionError(f"tests may not reach the network: {address}")
            return real(self, address)

        return connect

    look_up = socket.getaddrinfo

    def getaddrinfo(host: Any, *rest: Any, **more: Any) -> Any:
        if host is not None and not is_near((host,)):
            raise PermissionError(f"tests may not reach the network: {host}")
        return look_up(host, *rest, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield


# --- the command line ---------------------------------------------------------------------------------------


class Result(NamedTuple):
    """How a command ended. All that reached file descriptors 1 and 2, whoever wrote it, is in the texts."""

    code: int
    stdout: str
    stderr: str


class _Terminal(io.BytesIO):
    """Nobody types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def vlm(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`vlm("ask", picture, "How many?", "--model", "demo")`: the real `main()`, in this process.

    `stdin`: bytes of a pipe; None is a terminal at which nobody types.
    """
    from vlmcli.cli import main

    def run(*arguments: str | os.PathLike[str], stdin: bytes | None = b"") -> Result:
        capfdbinary.readouterr()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(_Terminal() if stdin is None else io.BytesIO(stdin)))
        code = main([os.fspath(argument) for argument in arguments])
        out, err = capfdbinary.readouterr()
        return Result(code, out.decode(), err.decode())

    return run


@pytest.fixture
def start_vlm(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """`start_vlm("ask", …)`: a real process with pipes, in `tmp_path`; ended with the test if it still runs."""
    running: list[subprocess.Popen[bytes]] = []

    def start(
        *arguments: str | bytes | os.PathLike[str],
        python: Sequence[str] = (),
        env: dict[str, str] | None = None,
        **options: Any,
    ) -> subprocess.Popen[bytes]:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": tmp_path}
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **(env or {})}
        command = [sys.executable, *python, "-m", "vlmcli", *arguments]
        running.append(subprocess.Popen(command, env=environment, **{**pipes, **options}))
        return running[-1]

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def vlm_process(start_vlm: Callable[..., subprocess.Popen[bytes]]) -> Callable[..., Result]:
    """`vlm_process("ask", …)`: the same to its end. `stdin`: bytes for its standard input, a pipe."""

    def run(*arguments: str | bytes | os.PathLike[str], stdin: bytes | None = None, **options: Any) -> Result:
        if stdin is not None:
            options["stdin"] = subprocess.PIPE
        process = start_vlm(*arguments, **options)
        out, err = process.communicate(stdin, timeout=PATIENCE_S)
        return Result(process.returncode, (out or b"").decode(), (err or b"").decode())

    return run


# --- pictures -----------------------------------------------------------------------------------------------

COLOURS = {
    "red": (220, 30, 30),
    "green": (30, 150, 50),
    "blue": (30, 70, 220),
    "yellow": (250, 230, 40),
    "orange": (250, 150, 20),
    "purple": (128, 40, 150),
    "pink": (250, 160, 200),
    "brown": (125, 75, 35),
    "black": (15, 15, 15),
    "white": (250, 250, 250),
    "gray": (128, 128, 128),
    "cyan": (30, 220, 230),
}
"""The colours that the model in the box knows by name."""

PLACES = ("top left", "top center", "top right", "middle left", "center", "middle right")
PLACES += ("bottom left", "bottom center", "bottom right")


@pytest.fixture
def draw(tmp_path: Path) -> Callable[..., Path]:
    """`draw("a.png", "white", ["red circle center"], text="EXIT")`: the path of a picture drawn like those of the demo.

    A shape is a colour, a kind (circle, square or triangle) and one of PLACES.
    """
    from PIL import Image, ImageDraw, ImageFont

    def shape(pen: ImageDraw.ImageDraw, words: str, cell: float) -> None:
        colour, kind, place = words.split(" ", 2)
        at = PLACES.index(place)
        x, y, r = (at % 3 + 0.5) * cell, (at // 3 + 0.5) * cell, cell * 0.42
        if kind == "circle":
            pen.ellipse((x - r, y - r, x + r, y + r), fill=COLOURS[colour])
        elif kind == "square":
            pen.rectangle((x - r, y - r, x + r, y + r), fill=COLOURS[colour])
        else:
            assert kind == "triangle"
            pen.polygon([(x, y - r), (x + r, y + r * 0.75), (x - r, y + r * 0.75)], fill=COLOURS[colour])

    def make(
        name: str | os.PathLike[str] = "a.png",
        background: str = "white",
        shapes: Sequence[str] = (),
        text: str = "",
        side: int = 384,
    ) -> Path:
        picture = Image.new("RGB", (side, side), COLOURS[background])
        pen = ImageDraw.Draw(picture)
        for words in shapes:
            shape(pen, words, side / 3)
        if text:
            font = ImageFont.load_default(size=min(side / 3, 1.5 * side / len(text)))
            pen.text((side / 2, side / 2), text, font=font, fill="black", anchor="mm")
        path = tmp_path / name
        picture.save(path)
        return path

    return make


@pytest.fixture
def picture(draw: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A picture named `a.png` in the current folder, which is `tmp_path`."""
    monkeypatch.chdir(tmp_path)
    return draw("a.png", "white", ["red circle center"]).name
