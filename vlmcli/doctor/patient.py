"""What all checks share: the time that is left, and what llama.cpp says of itself in a child process, asked once."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from typing import Any

from vlmcli.errors import EngineError
from vlmcli.processes import how_it_ended, python_command

LIMIT_S = 10.0
_LEAST_WAIT_S = 0.01
_CLOSING_S = 0.5
"""Less than all for a child: its end must still be told in time."""
_LAST_WORDS = 200


class ChildFailed(EngineError):
    """A child process that loads llama.cpp said nothing. `how`: a signal's name, `exit code 3`, or `hung`."""

    def __init__(self, sentence: str, hint: str = "", how: str = "") -> None:
        super().__init__(sentence, hint)
        self.how = how


class Patient:
    """Used by all checks at once. `close` ends the children that still run."""

    def __init__(self, limit_s: float | None = None) -> None:
        self.limit_s = LIMIT_S if limit_s is None else limit_s
        self._until = time.monotonic() + self.limit_s
        self._children: list[subprocess.Popen[str]] = []
        self._closed = False
        self._lock, self._build_lock = threading.Lock(), threading.Lock()
        self._build: dict[str, Any] | ChildFailed | None = None

    def left_s(self) -> float:
        """Seconds until all must have been said."""
        return max(self._until - time.monotonic(), 0.0)

    def build(self) -> dict[str, Any]:
        """What the installed llama.cpp says of itself (reports.build). Raises ChildFailed, to each who asks."""
        with self._build_lock:
            if self._build is None:
                try:
                    self._build = self.ask("build")
                except ChildFailed as failure:
                    self._build = failure
        if isinstance(self._build, ChildFailed):
            raise self._build
        return self._build

    def ask(self, report: str, *arguments: str) -> dict[str, Any]:
        """A report of a child process. Raises ChildFailed: it died, it hung, or it says what is wrong."""
        child = self._start(python_command("vlmcli.doctor.reports", [report, *arguments]))
        try:
            out, err = child.communicate(timeout=max(self.left_s() - _CLOSING_S, _LEAST_WAIT_S))
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            raise ChildFailed("it did not answer in time", how="hung") from None
        said = _read(out)
        if "error" in said:
            raise ChildFailed(str(said["error"]).rstrip("."), str(said.get("hint", "")))
        if child.returncode or not said:
            how = how_it_ended(child.returncode)
            raise ChildFailed(f"it died ({how}{_last_words(err)})", how=how)
        return said

    def _start(self, command: list[str]) -> subprocess.Popen[str]:
        with self._lock:
            if self._closed:
                raise ChildFailed("it was interrupted")
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
            )
            self._children.append(child)
            return child

    def close(self) -> None:
        with self._lock:
            self._closed = True
            for child in self._children:
                if child.poll() is None:
                    child.kill()


def _read(out: str) -> dict[str, Any]:
    """The report: the last line, since what is loaded may print. {} where there is none."""
    try:
        said = json.loads((out.splitlines() or [""])[-1])
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _last_words(err: str) -> str:
    lines = [line.strip() for line in err.splitlines() if line.strip()]
    return f": {lines[-1][:_LAST_WORDS].removeprefix('vlm: ').rstrip('.')}" if lines else ""
