"""The progress of files that come over the network: bars for a person, a line every ten seconds into a log.

On a terminal a bar a file with size, speed and time left, and one for all of them together. Elsewhere, and on a
terminal without escape codes, one line now and then. All of it on stderr.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

from vlmcli.output.sanitize import show_name
from vlmcli.output.sizes import show_duration, show_size
from vlmcli.output.streams import is_terminal, say, terminal_size

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_LINE_EVERY_S = 10.0
_WIDE_COLUMNS = 70
"""Terminals narrower than this get no bars: name, percentage and speed."""


class Transfer:
    """`begin` once, then `at`, `note` and `done` by the file's number; `close` in any case.

    `quiet` says nothing at all, errors are the caller's. `bars=False` never draws, and still says its lines.
    """

    def __init__(self, quiet: bool = False, bars: bool = True, stderr: TextIO | None = None) -> None:
        self._stream = sys.stderr if stderr is None else stderr
        self._quiet = quiet
        self._draws = bars and not quiet and is_terminal(self._stream)
        self._bars: Progress | None = None
        self._tasks: list[TaskID] = []
        self._names: list[str] = []
        self._sizes: list[int] = []
        self._here: list[int] = []
        self._began_with = 0
        self._began_at = self._said_at = time.monotonic()

    def begin(self, names: Sequence[str], sizes_bytes: Sequence[int], here_bytes: Sequence[int]) -> None:
        """All files that will be there at the end, and how much of each is there already."""
        self._names, self._sizes, self._here = list(names), list(sizes_bytes), list(here_bytes)
        self._began_with = sum(here_bytes)
        self._began_at = self._said_at = time.monotonic()

    def at(self, number: int, done_bytes: int) -> None:
        """So much of a file is there. From here on there is something to see."""
        self._open_bars()
        self._here[number] = done_bytes
        if self._bars:
            self._bars.update(self._tasks[number], completed=done_bytes, note="")
            self._bars.update(self._tasks[-1], completed=sum(self._here))
        elif time.monotonic() - self._said_at >= _LINE_EVERY_S:
            self._say_line()

    def checking(self, number: int, done_bytes: int) -> None:
        """What is there of a file is read again."""
        self._open_bars()
        if self._bars:
            self._bars.update(self._tasks[number], note=f"checking {show_size(done_bytes)}")

    def note(self, number: int, words: str) -> None:
        """Something to know about a file: who is waited for, what went wrong."""
        if self._bars:
            self._bars.update(self._tasks[number], note=words)
            self._bars.console.print(f"{show_name(self._names[number])}: {words}", markup=False, highlight=False)
        elif not self._quiet:
            say(f"vlm: {show_name(self._names[number])}: {words}", self._stream)

    def close(self) -> None:
        if self._bars:
            self._bars.stop()
            self._bars = None

    def _open_bars(self) -> None:
        if self._bars or not self._draws:
            return
        from rich.console import Console
        from rich.progress import Progress

        columns = terminal_size(self._stream).columns
        console = Console(file=self._stream, width=columns, legacy_windows=False)
        self._bars = Progress(*_columns(columns), console=console, expand=False)
        names = [*self._names, *(["together"] if len(self._names) > 1 else [])]
        sizes = [*self._sizes, *([sum(self._sizes)] if len(self._names) > 1 else [])]
        here = [*self._here, *([sum(self._here)] if len(self._names) > 1 else [])]
        self._tasks = [
            self._bars.add_task(_shortened(show_name(name), columns // 2 - 4), total=size, completed=done, note="")
            for name, size, done in zip(names, sizes, here, strict=True)
        ]
        self._bars.start()

    def _say_line(self) -> None:
        self._said_at = time.monotonic()
        if self._quiet:
            return
        done, total = sum(self._here), sum(self._sizes)
        speed = (done - self._began_with) / max(self._said_at - self._began_at, 1e-3)
        left = f", {show_duration((total - done) / speed)} left" if speed > 0 else ""
        share = f"{100 * done // total} %" if total else ""
        say(f"vlm: {show_size(done)} of {show_size(total)} ({share}), {show_size(int(speed))}/s{left}", self._stream)


def _columns(columns: int) -> list[Any]:
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    name = TextColumn("{task.description}", markup=False)
    note = TextColumn("{task.fields[note]}", markup=False, style="dim")
    if columns < _WIDE_COLUMNS:
        return [name, TextColumn("{task.percentage:>3.0f} %"), TransferSpeedColumn(), note]
    return [name, BarColumn(bar_width=None), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(), note]


def _shortened(name: str, most: int) -> str:
    """Its beginning and its end, which tell the quantization."""
    return name if len(name) <= most else f"{name[: most // 2 - 1]}…{name[-(most - most // 2) :]}"
