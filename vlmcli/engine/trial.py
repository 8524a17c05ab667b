"""Trials in a child process: whatever a build of llama.cpp dies of, it dies there."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from vlmcli.engine.modes import Mode
from vlmcli.processes import how_it_ended, python_command

_SILENCE_S = 40.0
"""A child that says nothing for so long hangs: a busy machine takes a second for a type, a GPU ten for the first."""
_LOOK_S = 0.05
_LONGEST_LINE = 4096
_FROM_OUTSIDE = frozenset({"SIGINT", "SIGTERM", "SIGKILL", "SIGHUP"})
"""Deaths that say nothing about the build: somebody ended it, or the memory was full."""


class Untried(Exception):
    """No trial could be made: in words, why."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a child is asked to try. `folder`: where the models that it quantizes are kept; "": nowhere."""

    mode: Mode
    gpu: bool
    folder: str

    def as_json(self, types: Sequence[str]) -> str:
        return json.dumps({"types": list(types), "mode": self.mode, "gpu": self.gpu, "folder": self.folder})


def try_types(order: Order, types: Sequence[str], stop: Callable[[], bool]) -> dict[str, str]:
    """How weights of each type failed, "" where the answers were right. After a death another child tries the rest.

    Raises Untried, and KeyboardInterrupt when `stop()` is true.
    """
    outcomes: dict[str, str] = {}
    while rest := [type for type in types if type not in outcomes]:
        outcomes |= _Child(order, rest).outcomes(stop)
    return outcomes


def _command(order: str) -> list[str]:
    return python_command("vlmcli.engine.llama.trying", [order])


class _Child:
    """One process, which says a line for each type. Its stdin is open as long as we live: then it leaves."""

    def __init__(self, order: Order, types: Sequence[str]) -> None:
        self._types = list(types)
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        try:
            self._process = subprocess.Popen(
                _command(order.as_json(types)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for us, who end it
            )
        except OSError as error:
            raise Untried(f"no other process can be started: {error.strerror or error}") from None
        threading.Thread(target=self._listen, name="trial", daemon=True).start()

    def _listen(self) -> None:
        stream = self._process.stdout
        with contextlib.suppress(OSError, ValueError):
            while stream and (line := stream.readline(_LONGEST_LINE)):
                self._lines.put(line.decode("utf-8", "replace"))
        self._lines.put(None)

    def outcomes(self, stop: Callable[[], bool]) -> dict[str, str]:
        """Of the types in their order, up to the one that it died of."""
        found: dict[str, str] = {}
        try:
            for type in self._types:
                line = self._next_line(stop)
                outcome = _outcome_of(line, type) if line is not None else self._death()
                found[type] = outcome
                if line is None or outcome == _NONSENSE:
                    break
            return found
        finally:
            self._end()

    def _next_line(self, stop: Callable[[], bool]) -> str | None:
        """None when it is dead, or silent for too long."""
        silent_since = time.monotonic()
        while time.monotonic() - silent_since < _SILENCE_S:
            if stop():
                raise KeyboardInterrupt
            with contextlib.suppress(Empty):
                return self._lines.get(timeout=_LOOK_S)
        return None

    def _death(self) -> str:
        """Of a child that said no more."""
        try:
            status = self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return f"no answer in {_SILENCE_S:.0f} seconds"
        how = how_it_ended(status)
        if how in _FROM_OUTSIDE:
            raise Untried(f"the trial was ended by {how}")
        return how

    def _end(self) -> None:
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()


_NONSENSE = "it said something else than was asked"


def _outcome_of(line: str, type: str) -> str:
    """Of one line. Raises Untried when it says that no trial could be made."""
    try:
        said: Any = json.loads(line)
    except ValueError:
        return _NONSENSE
    if not isinstance(said, dict) or said.get("type") != type:
        return _NONSENSE
    if isinstance(untried := said.get("untried"), str):
        raise Untried(untried)
    failure = said.get("failure")
    return failure if isinstance(failure, str) else _NONSENSE
