"""The progress of a download."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from vlmcli.output.transfer import Transfer

NAMES = ["llava-v1.6-mistral-7b.Q4_K_M.gguf", "mmproj-model-f16.gguf"]
SIZES = [4_370_000_000, 624_000_000]


def some(transfer: Transfer) -> Transfer:
    transfer.begin(NAMES, SIZES, [1_000_000_000, 624_000_000])
    transfer.at(0, 2_000_000_000)
    return transfer


@pytest.mark.parametrize("columns", [100, 80, 40])
def test_a_bar_a_file_and_one_for_all(terminal: Callable[..., Any], columns: int) -> None:
    screen = terminal(columns)
    some(Transfer(stderr=screen.stream)).close()
    lines = screen.end()
    assert len(lines) == 3, "no line wraps"
    assert lines[0].startswith("llava-v")
    assert lines[1].startswith("mmproj")
    assert lines[2].startswith("together")
    if columns > 70:
        assert "2.0/4.4 GB" in lines[0]
        assert "2.6/5.0 GB" in lines[2]
    else:
        assert "46 %" in lines[0]


def test_notes_stay_above_the_bars(terminal: Callable[..., Any]) -> None:
    screen = terminal(80)
    transfer = some(Transfer(stderr=screen.stream))
    transfer.note(0, "the connection broke; again in 2 s")
    transfer.close()
    assert f"{NAMES[0]}: the connection broke; again in 2 s" in screen.end()


def test_off_a_terminal_a_line_every_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("vlmcli.output.transfer.time.monotonic", lambda: now[0])
    stream = io.StringIO()
    transfer = some(Transfer(stderr=stream))
    now[0] = 109.0
    transfer.at(0, 2_100_000_000)
    assert stream.getvalue() == ""
    now[0] = 110.0
    transfer.at(0, 2_500_000_000)
    transfer.at(0, 2_600_000_000)
    assert stream.getvalue() == "vlm: 3.1 GB of 5.0 GB (62 %), 150 MB/s, 12 s left\n"
    transfer.note(0, "waiting for another vlm that downloads it")
    assert stream.getvalue().splitlines()[1].endswith("waiting for another vlm that downloads it")


def test_quiet_says_nothing(terminal: Callable[..., Any]) -> None:
    screen = terminal(80)
    transfer = some(Transfer(quiet=True, stderr=screen.stream))
    transfer.note(0, "words")
    transfer.close()
    assert screen.end() == [""]


def test_no_bars_where_they_are_not_wanted(terminal: Callable[..., Any]) -> None:
    screen = terminal(80)
    some(Transfer(bars=False, stderr=screen.stream)).close()
    assert screen.end() == [""]
