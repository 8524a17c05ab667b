"""The engine's process, seen from the job: started, fed, heard, and found out when it dies."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, BinaryIO, Protocol, cast

from vlmcli.batch.messages import Ask, Died, NoMore, Pause, Start, receive, send
from vlmcli.processes import how_it_ended, python_command

_SAID_BYTES = 4096
_LAST_WORDS = 200


class Aside(Protocol):
    """Where pictures are answered beside the job: in a process, or on a cluster's workers."""

    def ask(self, ask: Ask) -> None: ...
    def pause(self) -> None: ...
    def no_more(self, at_once: bool = False) -> None: ...
    def kill(self) -> None: ...
    def wait(self, seconds: float) -> bool: ...


Heard = SimpleQueue[tuple[Aside | None, Any]]
"""What they say, each with who says it; Died is the last of each."""
OpenAside = Callable[[Start, Heard, bool], Aside]
"""The last is whether to be verbose."""


class EngineProcess:
    """Its messages arrive in `heard`. `verbose`: its stderr is ours; else only its last line is kept."""

    def __init__(self, start: Start, heard: Heard, verbose: bool = False) -> None:
        self._heard = heard
        self._stderr = None if verbose else tempfile.TemporaryFile()  # noqa: SIM115
        command = python_command("vlmcli.batch.child", [])
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr, bufsize=-1
        )
        self._inbox = cast(BinaryIO, self._process.stdin)
        self._send(start)
        threading.Thread(target=self._receive, name="engine", daemon=True).start()

    def ask(self, ask: Ask) -> None:
        self._send(ask)

    def pause(self) -> None:
        self._send(Pause())

    def no_more(self, at_once: bool = False) -> None:
        self._send(NoMore(at_once))

    def kill(self) -> None:
        with contextlib.suppress(OSError):
            self._process.kill()
        with contextlib.suppress(OSError):
            self._inbox.close()

    def wait(self, seconds: float) -> bool:
        """Whether it has ended by itself within that time."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _send(self, message: Any) -> None:
        with contextlib.suppress(OSError, ValueError):  # it is dead, which we shall hear
            send(self._inbox, message)

    def _receive(self) -> None:
        outbox = cast(BinaryIO, self._process.stdout)
        while (message := receive(outbox)) is not None:
            self._heard.put((self, message))
        outbox.close()
        self._heard.put((self, Died(self._process.wait(), self._last_words())))

    def _last_words(self) -> str:
        if self._stderr is None:
            return ""
        with self._stderr as file:
            file.seek(max(file.seek(0, 2) - _SAID_BYTES, 0))
            lines = file.read().decode("utf-8", "replace").split("\n")
        return next((line.strip()[:_LAST_WORDS] for line in reversed(lines) if line.strip()), "")


def how_it_died(died: Died) -> str:
    """`SIGSEGV`, in words of the system and with its last ones."""
    how = how_it_ended(died.exit_status)
    if how == "SIGKILL":
        how += ", perhaps for want of memory"
    return f"{how}: {died.said}" if died.said else how
