"""The lines that say how a folder job goes."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import pytest

from vlmcli.core import PictureInfo, Record
from vlmcli.errors import NotAPicture
from vlmcli.output import progress as module
from vlmcli.output.progress import Progress, cut_to

ANSWER = Record((PictureInfo("a.png", 9, 9),), "describe", "What?", "demo", "A cat.", "end", answer_tokens=30)


class Terminal(io.StringIO):
    """80 columns wide, by $COLUMNS."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])

    def pass_by(seconds: float) -> None:
        now[0] += seconds

    return pass_by


def test_elsewhere_a_line_every_thirty_seconds(clock: Callable[[float], None]) -> None:
    stderr = io.StringIO()
    progress = Progress(stderr)
    progress.total = 1000
    for _ in range(121):
        clock(0.5)
        progress.answered(ANSWER)
    lines = stderr.getvalue().splitlines()
    assert lines[0] == "vlm: 60 of 1,000 · 120.0 a minute (120.0 on average) · 8 min left · 61 tokens/s".replace(
        "120.0 a minute (120.0", f"{60 * 60 / 29.5:.1f} a minute (120.0"
    )
    assert len(lines) == 2


def test_time_left_is_told_from_the_tenth_answer_and_only_when_the_total_is_known(
    clock: Callable[[float], None],
) -> None:
    progress = Progress(io.StringIO())
    for number in range(1, 12):
        clock(1.0)
        progress.answered(ANSWER)
        line = progress._line(1000.0 + number)
        assert "left" not in line
    progress.total = 111
    assert "100 s left" not in progress._line(1011.0)
    assert "2 min left" in progress._line(1011.0)
    few = Progress(io.StringIO())
    few.total = 100
    for _ in range(9):
        clock(1.0)
        few.answered(ANSWER)
    assert "left" not in few._line(1020.0)


def test_what_was_done_before_does_not_count_as_speed(clock: Callable[[float], None]) -> None:
    progress = Progress(io.StringIO())
    progress.total = 2000
    for _ in range(1000):
        progress.skipped(failed=False)
    for _ in range(11):
        clock(6.0)
        progress.answered(ANSWER)
    assert "1,011 of 2,000 · 1,000 done before · " in progress._line(1066.0)
    assert "(10.0 on average) · 1 h 39 min left" in progress._line(1066.0)


def test_failures_are_counted_and_quiet_says_nothing(clock: Callable[[float], None]) -> None:
    stderr = io.StringIO()
    progress = Progress(stderr)
    progress.answered(replace(ANSWER, text="", error=NotAPicture("no")))
    assert "1 done · 1 failed" in progress._line(1000.0)
    quiet = Progress(stderr, quiet=True)
    for _ in range(100):
        clock(60.0)
        quiet.answered(ANSWER)
        quiet.stopping(3)
    assert stderr.getvalue() == ""


def test_on_a_terminal_the_last_answer_stands_below_and_is_harmless(
    clock: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    stderr = Terminal()
    progress = Progress(stderr)
    progress.total = 10
    evil = replace(ANSWER, pictures=(PictureInfo("a\x1b[2J\n.png"),), text="A \x1b]0;x\x07cat.\nAnd " + "more " * 50)
    clock(1.0)
    progress.answered(evil)
    shown = stderr.getvalue()
    assert "━━──────────────────────  1 of 10" in shown
    assert r"a\x1b[2J\n.png: A cat. And more" in shown
    assert "\x1b[2J" not in shown
    assert max(len(line) for line in shown.split("\n")) <= 80
    progress.hide()
    assert stderr.getvalue().endswith("\x1b[J\r")


def test_a_line_is_cut_at_a_sign() -> None:
    assert cut_to("漢字漢字", 5) == "漢字…"
    assert cut_to("short", 5) == "short"
