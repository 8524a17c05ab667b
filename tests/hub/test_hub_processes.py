"""Whole processes: killed at any moment, two at once, interrupted while they wait."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hub.conftest import REPO, Pull, here, partial_files
from tests.hub.repositories import Repeated
from tests.hub.server import HubServer
from vlmcli.models.hub import Begun, Progress, Pulled, Retrying, Waiting, list_repository, pull

MODEL = "model.gguf"
# A size that is no multiple of anything, and no block that repeats at a power of two.
CONTENT = Repeated(random.Random(5).randbytes(1_000_003), 8_765_432)
WHOLE = CONTENT[0 : len(CONTENT)]
BUFFERS_BYTES = 1 << 20
"""What may be under way when a process is killed: the server's and the reader's buffers."""
SCRIPT = """
from vlmcli.models.hub import list_repository, pull
repository = list_repository("someone/model")
for event in pull(repository, repository.files):
    print(type(event).__name__, flush=True)
"""

Start = Callable[[], subprocess.Popen[str]]


@pytest.fixture
def start(hub: HubServer) -> Start:
    """A process that pulls, and prints its events."""
    hub.add(REPO, {MODEL: CONTENT})

    def run() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    return run


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.002)


def size_here(cache: Path) -> int:
    return sum(path.stat().st_size for path in partial_files(cache))


@pytest.mark.skipif(os.name == "nt", reason="kill -9")
@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_again_and_again(hub: HubServer, cache: Path, start: Start, kills: int) -> None:
    """The file is byte for byte what it should be, and hardly a byte came twice."""
    hub.bytes_per_s = 10e6
    chance = random.Random(kills)
    for at in sorted(chance.randrange(len(CONTENT) - BUFFERS_BYTES) for _ in range(kills)):
        at = max(at, size_here(cache))
        process = start()
        wait_for(lambda at=at: size_here(cache) > at, "the pull makes no progress")  # type: ignore[misc]
        process.kill()
        process.communicate()
        assert here(MODEL) is None
        (partial,) = partial_files(cache)
        assert WHOLE.startswith(partial.read_bytes())
    process = start()
    assert process.communicate(timeout=60)[0].split()[-1] == "Pulled"
    assert here(MODEL) == WHOLE
    assert not partial_files(cache)
    assert hub.bytes_sent <= len(CONTENT) + kills * BUFFERS_BYTES
    asked = [int(request.headers["range"][6:-1]) for request in hub.gets("content")[1:]]
    assert len(asked) == kills
    assert asked == sorted(asked)


@pytest.mark.skipif(os.name == "nt", reason="SIGINT")
def test_interrupted_by_ctrl_c(hub: HubServer, cache: Path, start: Start, pull_all: Pull) -> None:
    hub.bytes_per_s = 5e6
    process = start()
    wait_for(lambda: size_here(cache) > 500_000, "the pull makes no progress")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert errors.strip().endswith("KeyboardInterrupt")
    (partial,) = partial_files(cache)
    kept = partial.read_bytes()
    assert WHOLE.startswith(kept)
    hub.forget()
    hub.bytes_per_s = 0
    pull_all()
    assert here(MODEL) == WHOLE
    assert hub.bytes_sent == len(WHOLE) - len(kept)


@pytest.mark.parametrize("links", ["", "no"])
def test_two_at_once(hub: HubServer, start: Start, monkeypatch: pytest.MonkeyPatch, links: str) -> None:
    """One downloads; the other says that it waits, shows how far the first one is, and uses the file."""
    monkeypatch.setenv("HF_HUB_DISABLE_SYMLINKS", "1" if links else "0")
    hub.bytes_per_s = 12e6
    first, second = start(), start()
    said = [process.communicate(timeout=60)[0].split() for process in (first, second)]
    assert here(MODEL) == WHOLE
    assert hub.bytes_sent == len(WHOLE)
    assert [events[-1] for events in said] == ["Pulled", "Pulled"]
    (waiting,) = (events for events in said if "Waiting" in events)
    assert waiting.count("Waiting") == 1
    assert "Progress" in waiting


def test_the_lock_of_the_dead_is_free(hub: HubServer, cache: Path, start: Start, pull_all: Pull) -> None:
    hub.bytes_per_s = 8e6
    process = start()
    wait_for(lambda: size_here(cache) > 500_000, "the pull makes no progress")
    process.kill()
    process.communicate()
    hub.bytes_per_s = 0
    assert not any(isinstance(event, Waiting) for event in pull_all())
    assert here(MODEL) == WHOLE


def test_waiting_for_the_library_and_using_what_it_brought(hub: HubServer, pull_all: Pull) -> None:
    hub.add(REPO, {MODEL: CONTENT})
    hub.bytes_per_s = 10e6
    script = "from huggingface_hub import hf_hub_download; hf_hub_download('someone/model', 'model.gguf')"
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL)
    wait_for(lambda: hub.bytes_sent > 0, "the library downloads nothing")
    events = pull_all()
    assert process.wait(60) == 0
    assert [type(event).__name__ for event in events] == ["Begun", "Waiting", "Pulled"]
    assert (here(MODEL), hub.bytes_sent) == (WHOLE, len(WHOLE))


def test_waiting_is_given_up_at_once(hub: HubServer, cache: Path, start: Start) -> None:
    """Closing the generator while it waits, as Ctrl-C does; and the other one goes on."""
    hub.bytes_per_s = 8e6
    process = start()
    wait_for(lambda: size_here(cache) > 0, "the pull makes no progress")
    repository = list_repository(REPO)
    events = pull(repository, repository.files)
    assert isinstance(next(events), Begun)
    assert isinstance(next(events), Waiting)
    events.close()  # type: ignore[attr-defined]
    assert process.communicate(timeout=60)[0].split()[-1] == "Pulled"
    assert hub.bytes_sent == len(WHOLE)


@pytest.mark.parametrize("stop", [Begun, Progress, Retrying, Pulled])
def test_closed_at_any_event(hub: HubServer, cache: Path, pull_all: Pull, stop: type) -> None:
    from tests.hub.server import Fault

    hub.add(REPO, {MODEL: CONTENT})
    hub.fault = Fault(cut_after=3_000_000)
    repository = list_repository(REPO)
    events = pull(repository, repository.files)
    assert any(isinstance(event, stop) for event in events)
    events.close()  # type: ignore[attr-defined]
    kept_bytes, hub.fault = size_here(cache), None
    hub.forget()
    pull_all()
    assert here(MODEL) == WHOLE
    asked = [request.headers.get("range", "bytes=0-") for request in hub.gets("content")]
    assert asked == ([] if stop is Pulled else [f"bytes={kept_bytes}-"])
