"""What vlm remembers of its runs: written where it can be, and missed by nobody where it cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from vlmcli import demo
from vlmcli.engine.modes import Mode, TypeVerdict
from vlmcli.engine.pace import Pace, find_pace, keep_pace
from vlmcli.engine.verdicts import Build
from vlmcli.models import resolve_model
from vlmcli.models.used import forget_used, last_used, mark_used
from vlmcli.state import keep, mark, state_path


def test_texts_and_marks_are_kept_under_their_names() -> None:
    keep("first", "some", "name")
    keep("second", "some", "name")
    mark("some", "mark")
    assert state_path("some", "name").read_text() == "second"
    assert state_path("some", "mark").read_bytes() == b""


def _homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(*_: object, **__: object) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("platformdirs.user_state_path", raises)


def _in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    state_path().parent.mkdir(parents=True, exist_ok=True)
    state_path().write_text("a file in the place of the folder")


@pytest.mark.parametrize("break_it", [_homeless, _in_the_way], ids=["no home", "no folder"])
def test_where_nothing_can_be_kept_nothing_fails(
    monkeypatch: pytest.MonkeyPatch, break_it: Callable[[pytest.MonkeyPatch], None]
) -> None:
    break_it(monkeypatch)
    files, build = resolve_model("demo"), Build("a" * 64)
    mark_used(demo.DECODER)
    keep_pace(files, Pace(tiles=1, encode_tokens=1, encode_s=1.0))
    build.keep(TypeVerdict("Q8_0", Mode.FULL, {}, ""))
    build.note_told("something")
    forget_used(demo.DECODER)
    assert (last_used(demo.DECODER), find_pace(files)) == (None, None)
    assert (build.load("Q8_0"), build.was_told("something")) == (None, False)


def test_a_model_whose_file_is_gone_leaves_no_pace(tmp_path: Path) -> None:
    gone = replace(resolve_model("demo"), projector=tmp_path / "gone.gguf")
    keep_pace(gone, Pace(tiles=1))
    assert find_pace(gone) is None
