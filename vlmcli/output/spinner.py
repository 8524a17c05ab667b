"""One moving line on stderr that says what is going on, and leaves no trace."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import TextIO

from vlmcli.output.streams import fit, is_unicode, terminal_size

_DELAY_S = 0.15  # an answer that comes at once is not announced
_FRAME_S = 0.1
_SECONDS_FROM_S = 3.0


class Spinner:
    """`say` shows it, `hide` takes it away until the next `say`, `close` for good. Without a stream it does nothing."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._words = ""
        self._stage = ""
        self._since = 0.0
        self._shown_from = 0.0
        self._drawn = False
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def say(self, words: str, stage: str = "") -> None:
        """Show `words`. The seconds beside them count from where `stage` (the words themselves without one) began."""
        if self._stream is None or self._closed.is_set():
            return
        with self._lock:
            now = time.monotonic()
            if not self._words:
                self._shown_from = now + _DELAY_S
            if not self._words or (stage or words) != self._stage:
                self._stage, self._since = stage or words, now
            self._words = words
        if self._thread is None:
            self._thread = threading.Thread(target=self._turn, name="spinner", daemon=True)
            self._thread.start()

    def hide(self) -> None:
        with self._lock:
            self._words = ""
            if self._drawn:
                self._write("\r\x1b[K")
                self._drawn = False

    def close(self) -> None:
        self._closed.set()
        self.hide()

    def _turn(self) -> None:
        assert self._stream is not None
        frames = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏" if is_unicode(self._stream) else "|/-\\"
        number = 0
        while not self._closed.wait(_FRAME_S):
            with self._lock:
                now = time.monotonic()
                if self._words and now >= self._shown_from and is_foreground(self._stream):
                    self._draw(frames[number % len(frames)], now - self._since)
            number += 1

    def _draw(self, frame: str, seconds: float) -> None:
        assert self._stream is not None
        line = f"{frame} {self._words}" + (f" · {seconds:.0f} s" if seconds >= _SECONDS_FROM_S else "")
        width = terminal_size(self._stream).columns - 1  # a line that wraps could not be taken back
        self._drawn = True
        self._write(f"\r{shorten(fit(self._stream, line), width)}\x1b[K")

    def _write(self, text: str) -> None:
        assert self._stream is not None
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()


def shorten(line: str, width: int) -> str:
    """A line no wider than `width`: the parts at its end go first, whole."""
    for between in (" · ", " - "):
        while len(line) > width and between in line:
            line = line.rpartition(between)[0]
    return line[:width]


def is_foreground(stream: TextIO) -> bool:
    """False for a job that was sent to the background: its shell's prompt is on the terminal now."""
    if os.name != "posix":
        return True
    try:
        return os.tcgetpgrp(stream.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return True
