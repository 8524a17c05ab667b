"""What the doctor says of quantized weights. The trials themselves are tested with the engine; here they are given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vlmcli.doctor import trials
from vlmcli.doctor.patient import Patient
from vlmcli.engine import safety
from vlmcli.engine.modes import Mode, TypeVerdict, Verdict

Run = Callable[..., Any]


@pytest.fixture(autouse=True)
def loadable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Patient, "build", lambda _: {"devices": []})


def given(monkeypatch: pytest.MonkeyPatch, verdict: Verdict) -> list[frozenset[str]]:
    """Trials that end so; which types they were asked for."""
    asked: list[frozenset[str]] = []

    def check_build(types: frozenset[str], *_: Any) -> Verdict:
        asked.append(types)
        return verdict

    monkeypatch.setattr(safety, "check_build", check_build)
    return asked


def test_full_speed(examine: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    types = (TypeVerdict("Q4_K", Mode.FULL), TypeVerdict("Q6_K", Mode.FULL))
    asked = given(monkeypatch, Verdict(types=types))
    result = examine("trials")
    assert result.stdout == "ok       quantized weights: computed right, at full speed (Q4_K, Q6_K)\n\nAll is well.\n"
    assert asked == [trials._USUAL]


def test_a_slower_way_is_told_each_time_with_its_remedy(examine: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, Verdict(Mode.REPACKED, sentence="This build fails (SIGSEGV).", remedy="CC=clang pip install x"))
    for _ in range(2):
        result = examine("trials")
        assert result.code == 0, "answers are right"
        assert result.stdout.splitlines()[:2] == [
            "warning  quantized weights: This build fails (SIGSEGV).",
            "         CC=clang pip install x",
        ]


def test_what_the_user_forces_is_not_tried(examine: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLM_EXTRA_BUFFERS", "off")
    result = examine("trials")
    assert result.stdout.startswith("ok       quantized weights: not tried: VLM_EXTRA_BUFFERS says how (plain)\n")


def test_no_time_for_trials(examine: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real trials, which are told to stop."""
    monkeypatch.setattr(trials, "_ENOUGH_S", 1000.0)
    result = examine("trials")
    assert result.code == 0
    assert result.stdout.startswith("warning  quantized weights: there was no time to try them on this build")
    assert result.stderr == ""
