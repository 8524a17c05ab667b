"""`vlm ask` with --choices, --schema and --regex, and the same from Python."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from vlmcli import Vlm, demo
from vlmcli.errors import NotWhole, UsageError

Run = Callable[..., Any]
SHAPES = demo.PICTURES / "shapes.png"
COUNT = "How many shapes are there?"
COLOURS = "red,blue,green,white"


@pytest.fixture
def ask(vlm: Run) -> Run:
    def run(*arguments: str | Path, picture: str | Path = SHAPES, question: str = COUNT, **options: Any) -> Any:
        return vlm("ask", picture, question, "--model", "demo", *arguments, **options)

    return run


# --- choices ------------------------------------------------------------------------------------------------


def test_the_winner_and_nothing_else(ask: Run) -> None:
    assert ask("--choices", "one,two,three") == (0, "two\n", "")


def test_all_with_their_probabilities(ask: Run) -> None:
    result = ask("--choices", "one,two,three", "--probs")
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert rows[0][0] == "two"
    assert rows == sorted(rows, key=lambda row: -float(row[1]))
    assert sum(float(row[1]) for row in rows) == pytest.approx(1, abs=0.002)


def test_labels_from_a_file_with_commas_in_them(ask: Run, tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("one, or so\n\ntwo\n", encoding="utf-8")
    assert ask("--choices", f"@{tmp_path / 'labels.txt'}").stdout == "two\n"
    assert ask("--choices", r"one\, or so,two").stdout == "two\n"


def test_labels_from_standard_input(ask: Run) -> None:
    assert ask("--choices", "@-", stdin=b"one\ntwo\n").stdout == "two\n"
    taken = ask("--choices", "@-", picture="-", stdin=SHAPES.read_bytes())
    assert (taken.code, taken.stdout) == (2, "")
    assert "so it cannot have the choices" in taken.stderr


def test_a_choice_that_is_not_likely_enough(ask: Run) -> None:
    doubtful = ("--choices", "cat,dog,sun", "--min-confidence", "0.8")  # of words that the model was never taught
    result = ask(*doubtful, question="What is it?")
    assert (result.code, result.stdout) == (6, "")
    assert re.search(r"not sure enough \((cat|dog|sun) 0\.", result.stderr)
    assert ask(*doubtful, "--quiet", question="What is it?") == (6, "", "")
    assert ask("--choices", "one,two,three", "--min-confidence", "0.8").code == 0
    probs = ask(*doubtful, "--probs", question="What is it?")
    assert (probs.code, len(probs.stdout.splitlines()), probs.stderr) == (6, 3, result.stderr)


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "csv", "markdown", "html"])
def test_every_format_says_why_there_is_no_choice(ask: Run, form: str) -> None:
    result = ask("--choices", "one,two", "--min-confidence", "1", "--format", form)
    assert result.code == 6
    assert re.fullmatch(r"vlm: .*: not sure enough \(two 0\.99, one 0\.00\)\n", result.stderr)
    assert ask("--choices", "one,two", "--min-confidence", "1", "--format", form, "--quiet").stderr == ""


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_a_document_has_all_probabilities_where_they_are_asked_for(ask: Run, tmp_path: Path, form: str) -> None:
    found = ask("--choices", "one,two", "--format", form, "--probs").stdout
    assert len(re.findall(r"\b(?:one|two)\W+[01]\.\d{3}\b", found)) == 2
    assert not re.search(r"[01]\.\d{3}\b", ask("--choices", "one,two", "--format", form).stdout.partition("<body>")[2])
    job = tmp_path / f"job.{form.removesuffix('own').replace('markd', 'md')}"
    assert ask("--choices", "one,two", "-o", job, "--overwrite", "--probs").code == 0
    assert re.search(r"\bone\W+0\.\d{3}\b", job.read_text(encoding="utf-8"))


@pytest.mark.parametrize("extension", [".txt", ".xmp"])
def test_a_sidecar_goes_with_the_choice_that_is_not_made_any_more(
    vlm: Run, draw: Callable[..., Path], tmp_path: Path, extension: str
) -> None:
    picture = draw("a.png")
    command = ("ask", picture, COUNT, "--choices", "one,two", "--sidecar", extension, "--model", "demo")
    sidecar = tmp_path / f"a{extension}"
    for more, says in (
        ([], True),
        (["--min-confidence", "1"], True),
        (["--min-confidence", "1", "--overwrite"], False),
    ):
        result = vlm(*command, *more)
        said = sidecar.read_text(encoding="utf-8") if sidecar.exists() else ""
        assert bool(re.search(r"\b(one|two)\b", said)) is says
    assert "1 not sure enough for a choice" in result.stderr


def test_json_has_both(ask: Run) -> None:
    value = json.loads(ask("--choices", "one,two,three", "--format", "json").stdout)
    assert value["choice"] == value["text"] == "two"
    assert list(value["probabilities"]) == ["one", "two", "three"]
    assert sum(value["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert 0 < value["confidence"]["lowest"] <= value["confidence"]["mean"] <= 1
    unsure = json.loads(ask("--choices", "a,b", "--min-confidence", "1", "--format", "json").stdout)
    assert (unsure["choice"], unsure["text"], unsure["error"]) == (None, "", None)
    assert set(unsure["probabilities"]) == {"a", "b"}


def test_calibrated_against_no_picture(ask: Run) -> None:
    plain, calibrated = (
        json.loads(ask("--choices", "one,two,three", "--format", "json", *more).stdout)["probabilities"]
        for more in ([], ["--calibrate"])
    )
    assert plain != calibrated
    assert max(calibrated, key=calibrated.get) == "two"
    assert sum(calibrated.values()) == pytest.approx(1, abs=1e-5)


def test_a_template_of_probabilities(ask: Run) -> None:
    template = "{choice} {probabilities.two:.2f} {probabilities.none}"
    assert ask("--choices", "one,two", "--template", template).stdout == "two 1.00 \n"


def test_what_was_answered_before_is_recalled_with_its_probabilities(
    ask: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VLM_CACHE", "on")
    monkeypatch.setenv("VLM_CACHE_DIR", str(tmp_path / "cache"))
    first, second = (json.loads(ask("--choices", "one,two", "--format", "json").stdout) for _ in range(2))
    assert (first["cached"], second["cached"]) == (False, True)
    for name in ("choice", "probabilities", "confidence", "text"):
        assert first[name] == second[name]
    assert json.loads(ask("--choices", "one,three", "--format", "json").stdout)["cached"] is False
    assert json.loads(ask("--format", "json").stdout)["text"].startswith("There are two")


def test_a_folder_job_is_a_classifier(vlm: Run, draw: Callable[..., Path], tmp_path: Path) -> None:
    shots = tmp_path / "shots"
    shots.mkdir()
    for colour in ("red", "blue", "white"):
        draw(f"shots/{colour}.png", colour, ["green circle center"])
    output = tmp_path / "kinds.csv"
    command = ["ask", shots, "-r", "What colour is the background?", "--choices", COLOURS, "-o", output]
    assert vlm(*command, "--model", "demo").code == 0
    rows = list(csv.DictReader(io.StringIO(output.read_text(encoding="utf-8"))))
    assert {Path(row["picture"]).stem: row["choice"] for row in rows} == {c: c for c in ("red", "blue", "white")}
    for row in rows:
        assert sum(float(row[f"probabilities.{c}"]) for c in COLOURS.split(",")) == pytest.approx(1, abs=1e-4)
    again = vlm(*command, "--model", "demo")
    assert again.code == 0
    assert "3 done before" in again.stderr
    refused = vlm(*command[:-4], "--choices", "red,blue", "-o", output, "--model", "demo")
    assert refused.code == 2


def test_a_folder_job_records_what_is_not_sure(vlm: Run, pictures: Sequence[str], tmp_path: Path) -> None:
    output = tmp_path / "x.jsonl"
    result = vlm("ask", *pictures, COUNT, "--choices", "a,b", "--min-confidence", "1", "-o", output, "--model", "demo")
    assert result.code == 0
    records = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert [(r["choice"], r["error"], len(r["probabilities"])) for r in records] == [(None, None, 2)] * 3


# --- schemas and patterns -----------------------------------------------------------------------------------


def test_json_that_fits(ask: Run, tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text('{"type": "object", "properties": {"n": {"enum": [1, 2]}}, "required": ["n"]}')
    for schema in (str(path), "n 1|2"):
        value = json.loads(ask("--schema", schema).stdout)
        assert str(value["n"]) in ("1", "2")
    record = json.loads(ask("--schema", str(path), "--format", "json").stdout)
    assert record["data"] == json.loads(record["text"])


def test_properties_are_columns(vlm: Run, pictures: Sequence[str], tmp_path: Path) -> None:
    output = tmp_path / "x.csv"
    schema = (
        '{"type": "object", "properties": {"n": {"type": "integer"}, "text": {"enum": ["t"]}, "more": {"const": 1}}}'
    )
    assert vlm("ask", *pictures, "none.png", COUNT, "--schema", schema, "-o", output, "--model", "demo").code == 1
    rows = list(csv.DictReader(io.StringIO(output.read_text(encoding="utf-8"))))
    assert len(rows) == 4
    assert {"n", "data.text", "more", "text"} <= set(rows[0])


def test_what_was_cut_off_is_no_answer(ask: Run) -> None:
    result = ask("--schema", "a, b, c", "--max-tokens", "3")
    assert (result.code, result.stdout) == (5, "")
    assert "not in the form that was asked for: it reached 3 tokens" in result.stderr
    assert "--max-tokens 64" in result.stderr


def test_the_whole_answer_matches(ask: Run) -> None:
    assert ask("--regex", "There are (three|two) shapes") == (0, "There are two shapes\n", "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--choices", "a"], "two labels or more"),
        (["--choices", "a,,b"], "empty"),
        (["--choices", "a,a"], "twice"),
        (["--choices", "@none.txt"], "cannot be read"),
        (["--choices", "a,b", "--regex", "a"], "choices and regex"),
        (["--probs"], "--probs is about choices"),
        (["--min-confidence", "0.5"], "--min-confidence is about choices"),
        (["--schema", "none.json"], "none.json cannot be read"),
        (["--schema", '{"not": {}}'], "has not, which vlm cannot enforce"),
        (["--schema", "{"], "is no JSON"),
        (["--schema", "a floot"], "no type 'floot'"),
        (["--regex", "(?=a)"], "a lookahead"),
        (["--regex", "\x1b[0m["], "[ that is not closed"),
    ],
)
def test_what_makes_no_sense(ask: Run, arguments: list[str], words: str) -> None:
    result = ask(*arguments)
    assert (result.code, result.stdout) == (2, "")
    assert words in result.stderr
    assert "\x1b" not in result.stderr


# --- confidence ---------------------------------------------------------------------------------------------


def test_json_has_the_confidence_of_a_free_answer(ask: Run) -> None:
    confidence = json.loads(ask("--format", "json").stdout)["confidence"]
    assert 0.9 < confidence["lowest"] <= confidence["mean"] <= 1


def test_explain_does_nothing_in_a_pipe_and_says_so(ask: Run) -> None:
    result = ask("--explain")
    assert result.stdout == "There are two shapes.\n"
    assert "--explain: no effect" in result.stderr


def test_explain_underlines_doubtful_words(on_terminal: Run) -> None:
    unsure = on_terminal("ask", str(SHAPES), "What?", "--regex", "zzz top", "--model", "demo", "--explain")
    assert "\x1b[4mzzz\x1b[24m" in unsure.sent
    assert "underlined" in unsure.text
    sure = on_terminal("ask", str(SHAPES), COUNT, "--model", "demo", "--explain")
    assert "\x1b[4m" not in sure.sent
    assert "There are two shapes." in sure.text


@pytest.mark.parametrize("more", [["--schema", "zzz bool"], ["--regex", "zzz top", "--think"]])
def test_explain_underlines_words_of_the_answer_however_it_came_about(on_terminal: Run, more: list[str]) -> None:
    shown = on_terminal("ask", str(SHAPES), "What?", *more, "--model", "demo", "--explain")
    assert re.search(r"\x1b\[4m[^ ]*zzz", shown.sent)
    assert "no effect" not in shown.text


def test_explain_has_no_effect_on_choices_and_says_so(on_terminal: Run) -> None:
    choices = ("--choices", "one,two", "--model", "demo")
    shown = on_terminal("ask", str(SHAPES), COUNT, *choices, "--explain", columns=200)
    assert "no effect on this answer, for it was chosen" in shown.text


# --- from Python --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model() -> Iterator[Vlm]:
    with Vlm("demo", cache=False) as opened:
        yield opened


def test_a_choice_from_python(model: Vlm) -> None:
    reply = model.ask(SHAPES, COUNT, choices=["one", "two"])
    assert reply.choice == str(reply) == "".join(reply) == "two"
    assert sum(reply.probabilities.values()) == pytest.approx(1, abs=1e-12)
    assert model.ask(SHAPES, COUNT, choices=["a", "b"], min_confidence=1.0).choice is None


def test_a_pydantic_model(model: Vlm) -> None:
    pydantic = pytest.importorskip("pydantic")
    found = pydantic.create_model("Found", count=(Literal["one", "two"], ...), sure=(bool | None, None))
    reply = model.ask(SHAPES, COUNT, schema=found)
    assert reply.data["count"] in ("one", "two")
    assert isinstance(reply.instance, found)
    assert reply.instance.count == reply.data["count"]


def test_a_mapping_and_a_pattern(model: Vlm) -> None:
    assert isinstance(model.ask(SHAPES, COUNT, schema={"type": "integer", "maximum": 5}).data, int)
    assert model.ask(SHAPES, COUNT, regex="There are (three|two) shapes").text == "There are two shapes"
    with pytest.raises(UsageError):
        _ = model.ask(SHAPES, COUNT, regex="a").instance


def test_errors_come_at_once_or_with_the_answer(model: Vlm) -> None:
    with pytest.raises(UsageError):
        model.ask(SHAPES, COUNT, schema={"not": {}})
    with pytest.raises(UsageError):
        model.ask(SHAPES, COUNT, min_confidence=0.5)
    with pytest.raises(NotWhole):
        _ = model.ask(SHAPES, COUNT, schema="a, b", max_tokens=3).text
    assert model.ask(SHAPES, COUNT).text == "There are two shapes."
