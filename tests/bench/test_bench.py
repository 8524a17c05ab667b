"""`vlm bench`: numbers that add up, two settings in turns, what was before, and what goes wrong. Real processes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vlmcli.bench import history, rounds
from vlmcli.bench.comparing import change, paired
from vlmcli.bench.history import PastRun, find_last, history_path, remember

Run = Callable[..., Any]
PHASES = ["load", "encode", "prefill", "decode", "decode x 1", "decode x 2", "memory"]
QUICK = ("--parallel", "2", "--rounds", "1")


def test_numbers_add_up_and_the_next_run_shows_the_change(vlm: Run) -> None:
    first = vlm("bench", "demo", *QUICK, "--json")
    assert first.code == 0, first.stderr
    report = json.loads(first.stdout)
    assert (report["schema"], report["interrupted"]) == (1, False)
    (side,) = report["settings"]
    assert (side["model"], side["options"][0], side["rounds"]) == ("demo", "demo", 1)
    assert sorted(side["options"][1:]) == ["--parallel", "--threads", "1", "2"]
    phases = {phase["name"]: phase for phase in side["phases"]}
    assert list(phases) == PHASES
    for name, phase in phases.items():
        assert phase["median"] == phase["values"][0] > 0
        assert phase["more_is_better"] is (phase["unit"] == "tokens/s")
        assert phase["change"] is None, "nothing was before"
        if phase["unit"] == "tokens/s":
            assert phase["median"] == pytest.approx(phase["tokens"] / phase["seconds"], rel=0.01), name
    assert phases["encode"]["tokens"] == 144, "rows of a picture, as the demo's projector gives them"
    assert phases["prefill"]["tokens"] > 144
    assert phases["decode x 2"]["tokens"] % 2 == 0
    assert phases["decode x 2"]["tokens"] >= 16
    assert 10e6 < phases["memory"]["median"] < 10e9

    again = vlm("bench", "demo", *QUICK)
    assert again.code == 0
    assert re.fullmatch("demo (--threads 1|--parallel 2| ){3}: 1 round\n", again.stderr)
    rows = [line.split("\t") for line in again.stdout.splitlines()]
    assert [row[0] for row in rows] == PHASES
    assert all(re.fullmatch(r"([+-]\d+ %, )?too few rounds to tell", row[3]) for row in rows), rows
    kept = [json.loads(line) for line in history_path().read_text().splitlines()]
    assert [set(run["phases"]) for run in kept] == [set(PHASES)] * 2
    assert kept[0]["key"] == kept[1]["key"]


def test_what_could_not_be_kept_is_not_called_kept(vlm: Run) -> None:
    history_path().parent.parent.mkdir(parents=True)
    history_path().parent.write_text("a file")
    result = vlm("bench", "demo", *QUICK)
    assert (result.code, "Kept: " in result.stderr) == (0, False)
    assert result.stderr.endswith(
        "vlm: this result could not be kept, and the next run has nothing to be held against\n"
    )


def test_two_settings_in_turns(vlm: Run) -> None:
    result = vlm("bench", "demo", *QUICK, "--vs", "--parallel 1", "--json")
    assert result.code == 0, result.stderr
    report = json.loads(result.stdout)
    first, second = (side["options"] for side in report["settings"])
    assert second == [*first, "--parallel", "1"]
    assert list(report["second_to_first"]) == [name for name in PHASES if name != "decode x 2"], "of one, there is none"
    for phase, ratio in report["second_to_first"].items():
        a, b = (next(p for p in side["phases"] if p["name"] == phase)["values"][0] for side in report["settings"])
        assert ratio["ratio"] == pytest.approx(b / a)
        assert ratio["verdict"] == "too few rounds to tell"
    keys = {json.loads(line)["key"] for line in history_path().read_text().splitlines()}
    assert len(keys) == 2, "what was measured with other settings is another history"


def test_ctrl_c_keeps_what_was_measured(vlm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes while the real process of the first round is at work."""
    from vlmcli.cli import bench

    def tell(words: str) -> None:
        if words.endswith("prefill"):
            raise KeyboardInterrupt

    monkeypatch.setattr(bench, "_tell", tell)
    result = vlm("bench", "demo", *QUICK)
    assert result.code == 130
    assert [line.split("\t")[0] for line in result.stdout.splitlines()] == ["load", "encode", "prefill"]
    assert result.stderr.endswith(": 1 round, not finished\n")
    assert not history_path().exists()


def test_ctrl_c_before_anything_was_measured_is_said(vlm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from vlmcli.cli import bench

    def tell(words: str) -> None:
        if words:
            raise KeyboardInterrupt

    monkeypatch.setattr(bench, "_tell", tell)
    assert vlm("bench", "demo", *QUICK) == (130, "", "vlm: nothing was measured yet\n")


def test_the_settings_file_counts(vlm: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('model = "demo"\nparallel = 1\n')
    monkeypatch.setenv("VLM_CONFIG", str(path))
    monkeypatch.delenv("VLM_THREADS")
    result = vlm("bench", "--rounds", "1", "--json")
    assert result.code == 0, result.stderr
    (side,) = json.loads(result.stdout)["settings"]
    assert side["options"] == ["demo", "--parallel", "1"]
    assert [phase["name"] for phase in side["phases"]] == [*PHASES[:-2], "memory"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["demo", "--vs", ""], 2, "vlm: --vs names no options."),
        (["demo", "--vs", "--threads '2"], 2, "vlm: --vs cannot be read: No closing quotation."),
        (["demo", "--vs", "--thraeds 2"], 2, "vlm: No such option: --thraeds"),
        (["demo", "--vs", "--help"], 2, "vlm: --vs takes options of how a model is opened."),
        (["demo", "--vs", "--json"], 2, "vlm: --vs takes options of how a model is opened."),
        (["demo", "--vs", "--rounds 3"], 2, "vlm: --vs takes options of how a model is opened."),
        (["demo", "--vs", "--vs --json"], 2, "vlm: --vs takes options of how a model is opened."),
        (["demo", "--rounds", "0"], 2, "vlm: Invalid value for '--rounds'"),
        (["no-such-model"], 4, "vlm: There is no model named 'no-such-model'."),
        ([], 4, "vlm: No model was chosen, and none is here.\n  Fetch the LLaVA that suits this machine: vlm pull"),
        (["smolvlm-500m"], 4, "vlm: smolvlm-500m is not on this machine.\n  vlm pull smolvlm-500m"),
    ],
)
def test_mistakes(vlm: Run, arguments: list[str], code: int, said: str) -> None:
    result = vlm("bench", *arguments)
    assert (result.code, result.stdout) == (code, "")
    assert result.stderr.startswith(said)


def test_a_build_that_dies(vlm: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "llama_cpp"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "llama_cpp.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    monkeypatch.syspath_prepend(tmp_path)
    result = vlm("bench", "demo")
    assert (result.code, result.stdout) == (5, "")
    assert result.stderr == "vlm: The process that was measured died (SIGSEGV).\n  vlm doctor\n"


# --- comparing ----------------------------------------------------------------------------------------------


def test_a_difference_counts_where_every_round_shows_it() -> None:
    faster = paired([10.0, 11.0, 9.0], [20.0, 21.0, 19.0], more_is_better=True)
    assert faster
    assert (faster.verdict, round(faster.ratio, 2)) == ("better", 2.0)
    assert (round(faster.least, 2), round(faster.most, 2)) == (1.91, 2.11)
    slower = paired([1.0, 1.0, 1.0], [1.5, 1.4, 1.6], more_is_better=False)
    assert slower
    assert slower.verdict == "worse"
    mixed = paired([10.0, 10.0, 10.0], [20.0, 9.9, 20.0], more_is_better=True)
    assert mixed
    assert mixed.verdict == "within the noise"
    tiny = paired([1.0] * 5, [1.01] * 5, more_is_better=True)
    assert tiny
    assert tiny.verdict == "within the noise"
    assert paired([], [1.0], more_is_better=True) is None
    unfinished = paired([10.0, 10.0, 10.0], [20.0, 20.0], more_is_better=True)
    assert unfinished
    assert unfinished.verdict == "too few rounds to tell"


def test_a_change_is_noise_where_both_runs_overlap() -> None:
    better = change([10.0, 11.0, 12.0], [13.0, 14.0, 15.0], more_is_better=True)
    assert better
    assert (better.verdict, round(better.ratio, 2)) == ("better", 1.27)
    noise = change([10.0, 11.0, 14.0], [13.0, 14.0, 15.0], more_is_better=True)
    assert noise
    assert noise.verdict == "within the noise"
    assert change((), [1.0], more_is_better=True) is None


# --- history ------------------------------------------------------------------------------------------------


def past(key: str, when: float) -> PastRun:
    return PastRun(key, when, "0.1.0", "demo", ("demo",), {"load": (1.0, 2.0)})


def test_the_newest_run_of_the_same_is_found() -> None:
    assert find_last("a") is None
    for number, key in enumerate("aabab"):
        assert remember(past(key, number))
    assert find_last("a") == past("a", 3)
    assert find_last("c") is None


def test_history_is_bounded_and_survives_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_MOST_RUNS", 10)
    monkeypatch.setattr(history, "_ROOMY_RUNS", 5)
    history_path().parent.mkdir(parents=True, exist_ok=True)
    history_path().write_bytes(b'{"key": "a"}\n\xff\xfe\nnull\n[1]\n{"key": "b", "time": "x"\n')
    for number in range(30):
        assert remember(past("a", number))
        assert len(history_path().read_text(errors="replace").splitlines()) <= 10
    assert find_last("a") == past("a", 29)
    assert find_last("b") is None


def test_history_that_cannot_be_written_stops_nothing() -> None:
    history_path().parent.parent.mkdir(parents=True, exist_ok=True)
    history_path().parent.write_text("a file where the folder would be")
    assert remember(past("a", 1)) is False
    assert find_last("a") is None


def test_an_error_of_a_round_is_told_as_it_was(tmp_path: Path) -> None:
    said = tmp_path / "stderr"
    said.write_text("vlm: a warning\nvlm: It is so.\n  Type this\n  or that\n")
    with open(said) as stderr:
        error = rounds._failure(4, stderr)
    assert (error.exit_code, error.sentence, error.hint) == (4, "It is so.", "Type this\nor that")
