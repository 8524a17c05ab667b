"""How a folder job goes: lines on a terminal, drawn in place; elsewhere one every 30 seconds on stderr.

━━━━━━━━━━━━━━━━━━──────  7,415 of 10,000 · 3 failed · 2,000 done before
41.2 a minute (39.8 on average) · 1 h 5 min left · 118 tokens/s
holiday/IMG_2041.jpg: Two people on a beach at sunset.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TextIO

from vlmcli.core import Record, StageName
from vlmcli.output.live_area import LiveArea
from vlmcli.output.notes import print_error
from vlmcli.output.sanitize import clean_text, show_name
from vlmcli.output.sizes import show_duration
from vlmcli.output.spinner import is_foreground
from vlmcli.output.streams import fit, is_terminal, is_unicode, say, terminal_size
from vlmcli.output.widths import sign_columns, split_signs, widest

_FRAME_S = 0.2
_LOG_S = 30.0
_WINDOW_S = 60.0
"""What is called now."""
_HONEST_FROM = 10
"""Answers after which time left is told."""
_BAR = 24
_ECHO = 5
"""Columns left free for what a terminal shows of the keys that are pressed: ^C, twice."""
_MOST_COMPLAINTS = 20
_STAGES = {"loading": "loading the model", "waiting": "waiting for the server"}


class Progress:
    """`total`: of everything that was named; None until somebody has counted it, from whatever thread."""

    def __init__(self, stderr: TextIO | None, quiet: bool = False) -> None:
        self.total: int | None = None
        self._stderr = None if quiet else stderr
        self._loud = stderr
        self._on_terminal = is_terminal(self._stderr)
        self._area = LiveArea(self._write)
        self._counts = {"answered": 0, "failed": 0, "before": 0}
        self._recent: deque[tuple[float, int]] = deque()  # when an answer came, and its tokens
        self._first_at = 0.0
        self._complaints = 0
        self._last_answer = ""
        self._stage = ""
        self._drawn = False
        self._next_s = 0.0 if self._on_terminal else time.monotonic() + _LOG_S

    # --- what happens ---------------------------------------------------------------------------------------

    def planned(self, total: int) -> None:
        self.total = total

    def loading(self, stage: StageName, note: str = "") -> None:
        """Without a terminal a wait for a server is said at once: it may be the last that is heard for long."""
        if note:
            self.say(f"vlm: {show_name(note)}")
            return
        self._stage = f"{_STAGES.get(stage, stage)}…"
        if stage == "waiting" and not self._on_terminal:
            self._next_s = 0.0
        self.tick()

    def skipped(self, failed: bool) -> None:
        self._counts["before"] += 1
        self.tick()

    def answered(self, record: Record) -> None:
        """Also one that failed: it has its record."""
        now = time.monotonic()
        self._first_at = self._first_at or now
        self._stage = ""
        self._counts["answered" if record.error is None else "failed"] += 1
        self._recent.append((now, 0 if record.cached else record.answer_tokens))
        while self._recent[0][0] < now - _WINDOW_S:
            self._recent.popleft()
        if record.error is None:
            self._last_answer = f"{show_name(record.name)}: {' '.join(clean_text(record.text).split())}"
        self.tick()

    def complained(self, error: Exception) -> None:
        """Said at once, the first ones of many."""
        self._counts["failed"] += 1
        self._complaints += 1
        if self._complaints <= _MOST_COMPLAINTS:
            self.hide()
            print_error(error, self._loud)

    def stopping(self, in_work: int) -> None:
        self.say(
            f"vlm: stopping; {in_work} in work will be finished. Ctrl-C once more stops at once." if in_work else ""
        )

    def say(self, line: str) -> None:
        if line and self._stderr is not None:
            self.hide()
            say(line, self._stderr)

    # --- what is shown --------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Show how it stands, if it is time to."""
        now = time.monotonic()
        if self._stderr is None or now < self._next_s:
            return
        if not self._on_terminal:
            self._next_s = now + _LOG_S
            say(f"vlm: {self._line(now)}", self._stderr)
        elif is_foreground(self._stderr):
            self._next_s = now + _FRAME_S
            self._draw(now)

    def hide(self) -> None:
        """Take the lines back. The next tick shows them again."""
        if self._drawn:
            self._area.draw([""], self._columns)
            self._write("\r")
            self._area = LiveArea(self._write)
            self._drawn = False
            self._next_s = 0.0

    def _draw(self, now: float) -> None:
        columns = self._columns - _ECHO  # a line that wraps could not be taken back
        lines = [self._bar() + " · ".join(self._numbers()), " · ".join(self._speed(now)), self._last_answer]
        assert self._stderr is not None
        self._drawn = True
        self._area.draw([cut_to(fit(self._stderr, line), columns) for line in lines if line], self._columns)

    @property
    def _columns(self) -> int:
        assert self._stderr is not None
        return terminal_size(self._stderr).columns

    def _bar(self) -> str:
        if not self.total or self._columns < 3 * _BAR:
            return ""
        full = min(self._seen * _BAR // self.total, _BAR)
        signs = "━─" if self._stderr and is_unicode(self._stderr) else "#-"
        return f"{signs[0] * full}{signs[1] * (_BAR - full)}  "

    @property
    def _seen(self) -> int:
        return sum(self._counts.values())

    def _line(self, now: float) -> str:
        return " · ".join([*self._numbers(), *self._speed(now)])

    def _numbers(self) -> list[str]:
        failed, before = self._counts["failed"], self._counts["before"]
        parts = [f"{self._seen:,} of {self.total:,}" if self.total else f"{self._seen:,} done", self._stage]
        parts += [f"{failed:,} failed"] if failed else []
        parts += [f"{before:,} done before"] if before else []
        return [part for part in parts if part]

    def _speed(self, now: float) -> list[str]:
        """A rate wants two points in time: the first answer is where it counts from."""
        count = self._counts["answered"] + self._counts["failed"]
        if count < 2 or now <= self._first_at:
            return []
        average = (count - 1) / (now - self._first_at)
        recent = [tokens for at, tokens in self._recent if at > now - _WINDOW_S]
        span_s = min(_WINDOW_S, now - self._first_at)
        parts = [f"{60 * len(recent) / span_s:.1f} a minute ({60 * average:.1f} on average)"]
        left = (self.total or 0) - self._seen
        parts += [f"{show_duration(left / average)} left"] if count >= _HONEST_FROM and left > 0 else []
        return parts + ([f"{sum(recent) / span_s:.0f} tokens/s"] if any(recent) else [])

    def _write(self, text: str) -> None:
        if self._stderr is not None:
            try:
                self._stderr.write(text)
                self._stderr.flush()
            except (OSError, ValueError):  # nobody hears us: the work goes on
                self._stderr = None


def cut_to(line: str, columns: int) -> str:
    """As much of a line as fits, on any terminal."""
    if widest(line) <= columns:
        return line
    kept, used = "", 1
    for sign in split_signs(line):
        used += sign_columns(sign)
        if used > columns:
            break
        kept += sign
    return f"{kept}…"
