"""Made-up records and a real pseudo-terminal with an emulated screen behind it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from vlmcli.core import JobDone, JobText, PictureInfo, Record, Timings
from vlmcli.output import Writer


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "COLORTERM", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr("vlmcli.output.spinner._DELAY_S", 0.02)
    monkeypatch.setattr("vlmcli.output.spinner._FRAME_S", 0.02)


_LAST = b"\0"
"""Ends what was written. Linux can lose the last words before a close: its reader is told of the close, and not of
them, where both come between two of its looks."""


def make_record(text: str = "A cat.", name: str = "a.png", **fields: Any) -> Record:
    known: dict[str, Any] = {
        "task": "describe",
        "question": "What is it?",
        "model": "demo",
        "stop_reason": "end",
        "prompt_tokens": 612,
        "image_tokens": 576,
        "answer_tokens": 48,
        "timings": Timings(310, 2100, 2500, 5010, 2790, 17.2),
    }
    return Record((PictureInfo(name, 640, 480, "ab" * 32),), text=text, **(known | fields))


def make_tell(make: Callable[..., Record]) -> Callable[..., None]:
    def tell(writer: Writer, text: str, job: int = 0, size: int = 3, done: bool = True, **fields: Any) -> None:
        """An answer as the engine gives it: in pieces, then whole."""
        for start in range(0, len(text), size):
            writer.emit(JobText(job, text[start : start + size]))
        if done:
            writer.emit(JobDone(job, make(text, **fields)))

    return tell


@pytest.fixture
def record() -> Callable[..., Record]:
    return make_record


@pytest.fixture
def tell() -> Callable[..., None]:
    return make_tell(make_record)


def open_screen(columns: int, rows: int) -> Any:
    """The screen of an old terminal: joiners take no column and join nothing, a mark goes to the sign before it."""
    import pyte
    from wcwidth import wcwidth

    class Screen(pyte.HistoryScreen):  # type: ignore[misc]
        def draw(self, data: str) -> None:
            for char in data:
                if wcwidth(char):
                    super().draw(char)
                else:  # pyte itself would drop the rest of the line, or begin another for a mark
                    self.extend(char)

        def extend(self, char: str) -> None:
            line, x = self.buffer[self.cursor.y], max(self.cursor.x - 1, 0)
            x -= x > 0 and line[x].data == ""  # the second half of a wide sign
            line[x] = line[x]._replace(data=line[x].data + char)

    return Screen(columns, rows, history=5000)


class Terminal:
    """A pseudo-terminal: `stream` is its keyboard side, and what is written there shows up on an emulated screen."""

    def __init__(self, columns: int, rows: int) -> None:
        import fcntl
        import pty
        import struct
        import termios

        import pyte

        self.columns, self.rows = columns, rows
        self.raw = b""
        self._screen = open_screen(columns, rows)
        self._feed = pyte.ByteStream(self._screen)
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.stream = open(slave, "w", encoding="utf-8")  # noqa: SIM115
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65536)
            except OSError:
                return
            self.raw += data.removesuffix(_LAST)
            self._feed.feed(data.removesuffix(_LAST))
            if data.endswith(_LAST):
                return

    def lines(self) -> list[str]:
        """Scrollback and screen, without the empty rest."""
        above = ["".join(line[x].data for x in range(self.columns)) for line in self._screen.history.top]
        return "\n".join(line.rstrip() for line in [*above, *self._screen.display]).rstrip("\n").split("\n")

    def wait_for(self, words: str) -> list[str]:
        until = time.monotonic() + 3
        while words not in "\n".join(self.lines()):
            assert time.monotonic() < until, self.lines()
            time.sleep(0.01)
        return self.lines()

    def end(self) -> list[str]:
        """All that was ever shown and not taken back."""
        if not self.stream.closed:
            self.stream.flush()
            os.write(self.stream.fileno(), _LAST)
            self._reader.join(30)
            self.stream.close()
        self._reader.join(30)
        return self.lines()

    def close(self) -> None:
        self.end()
        os.close(self._master)


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    pytest.importorskip("pty")
    opened: list[Terminal] = []

    def open_terminal(columns: int = 40, rows: int = 12) -> Terminal:
        opened.append(Terminal(columns, rows))
        return opened[-1]

    yield open_terminal
    for one in opened:
        one.close()
