"""Fake servers, and a real llama-server with the model in the box where there is one."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.engine.server.fake import Fake, Running
from vlmcli import demo

PATIENCE_S = 60


@pytest.fixture
def serve() -> Iterator[Callable[[Fake], Running]]:
    running: list[Running] = []

    def start(fake: Fake) -> Running:
        running.append(Running(fake))
        return running[-1]

    yield start
    for each in running:
        each.stop()


@pytest.fixture
def fake(serve: Callable[[Fake], Running]) -> Fake:
    """A server that answers "A red circle." to everything."""
    return serve(Fake()).fake


@pytest.fixture
def write_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Make this the settings file."""

    def write(text: str) -> Path:
        path = tmp_path / "config.toml"
        path.write_text(text)
        monkeypatch.setenv("VLM_CONFIG", str(path))
        return path

    return write


def _command(port: int) -> Sequence[str] | None:
    """A server of llama.cpp: LLAMA_SERVER, or one on the PATH."""
    program = os.environ.get("LLAMA_SERVER") or shutil.which("llama-server")
    where = ["--host", "127.0.0.1", "--port", str(port)]
    model = ["-m", str(demo.DECODER), "--mmproj", str(demo.PROJECTOR)]
    if program:
        return [program, *model, *where, "-np", "2", "-c", "4096", "-t", "1", "--jinja", "--alias", "demo"]
    return None


@pytest.fixture(scope="session")
def llama_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = _command(port)
    if command is None:
        pytest.skip("there is no llama-server: name one with LLAMA_SERVER")
    log = tmp_path_factory.mktemp("server") / "log"
    with open(log, "wb") as file:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + PATIENCE_S
        while not _is_ready(url):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(log.read_text(errors="replace")[-2000:])
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _is_ready(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/health", timeout=5) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False
