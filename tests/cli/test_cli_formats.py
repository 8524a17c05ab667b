"""--format and --output: text, json and jsonl, their schema, and files that are whole or not there."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from vlmcli.output import WRITERS

Run = Callable[..., Any]
DEMO = ("--model", "demo", "--max-tokens", "3", "--quiet")

KEYS = [
    *("schema", "task", "picture", "pictures", "question", "model", "text", "thinking", "stop_reason", "cut_short"),
    *("tokens", "timings_ms", "tokens_per_second", "choice", "probabilities", "data", "confidence", "cached"),
    *("blocks", "regions", "error"),
]
NESTED = {
    "tokens": ["prompt", "image", "answer"],
    "timings_ms": ["load", "encode", "prefill", "first_token", "decode"],
}

WITHOUT_TIMINGS = re.compile(r"\d+\.\d+")


def assert_schema(record: dict[str, Any]) -> None:
    """Exactly these keys, in this order, with values of the right kind."""
    assert list(record) == KEYS
    assert record["schema"] == 1
    for key, names in NESTED.items():
        assert list(record[key]) == names
        assert all(isinstance(value, int | float) for value in record[key].values())
    for shown in record["pictures"]:
        assert list(shown) == ["name", "width", "height", "sha256"]
    if record["error"] is not None:
        assert list(record["error"]) == ["kind", "message", "hint"]


def test_json_of_one_is_an_object(vlm: Run, picture: str) -> None:
    result = vlm("ask", picture, "How many?", "--format", "json", *DEMO)
    record = json.loads(result.stdout)
    assert_schema(record)
    assert (record["task"], record["question"], record["model"]) == ("ask", "How many?", "demo")
    assert record["error"] is None
    (shown,) = record["pictures"]
    assert (shown["name"], shown["width"], shown["height"]) == (picture, 384, 384)
    assert len(bytes.fromhex(shown["sha256"])) == 32
    assert record["tokens"]["prompt"] > record["tokens"]["image"] > 0
    assert all(record["timings_ms"][key] > 0 for key in ("load", "encode", "prefill", "first_token"))


def test_json_of_several_is_an_array_in_their_order(vlm: Run, pictures: Sequence[str]) -> None:
    result = vlm("describe", *pictures, "--format", "json", *DEMO)
    records = json.loads(result.stdout)
    assert [record["picture"] for record in records] == list(pictures)
    for record in records:
        assert_schema(record)


def test_jsonl_is_a_line_for_each(vlm: Run, pictures: Sequence[str]) -> None:
    result = vlm("describe", *pictures, "--format", "jsonl", *DEMO)
    assert result.stdout.endswith("\n")
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert sorted(record["picture"] for record in records) == list(pictures)
    for record in records:
        assert_schema(record)


@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_a_failed_picture_is_a_record(vlm: Run, picture: str, format: str) -> None:
    result = vlm("describe", "none.png", picture, "--format", format, *DEMO)
    assert result.code == 1
    text = result.stdout
    records = json.loads(text) if format == "json" else [json.loads(line) for line in text.splitlines()]
    failed = next(record for record in records if record["picture"] == "none.png")
    assert_schema(failed)
    assert failed["error"]["kind"] == "picture_not_found"
    assert failed["error"]["message"] == "There is no file none.png."
    assert (failed["text"], failed["stop_reason"]) == ("", None)
    assert failed["pictures"] == [{"name": "none.png", "width": None, "height": None, "sha256": None}]


def test_the_same_answer_in_every_format(vlm: Run, picture: str) -> None:
    text, whole, line = (vlm("describe", picture, "--format", name, *DEMO).stdout for name in ("text", "json", "jsonl"))
    assert json.loads(whole)["text"].strip() == text.strip()
    assert json.loads(line)["text"] == json.loads(whole)["text"]


def test_text_of_several_has_headings_in_their_order(vlm: Run, pictures: Sequence[str]) -> None:
    lines = vlm("describe", *pictures, *DEMO).stdout.splitlines()
    assert [line for line in lines if line.startswith("==> ")] == [f"==> {name} <==" for name in pictures]
    assert lines[0] == "==> a.png <=="


def test_text_of_one_has_none(vlm: Run, picture: str) -> None:
    assert "==>" not in vlm("describe", picture, *DEMO).stdout


def test_several_questions_are_in_the_headings(vlm: Run, picture: str) -> None:
    stdout = vlm("ask", picture, "-q", "One?", "-q", "Two?", *DEMO).stdout
    assert stdout.index("==> a.png: One? <==") < stdout.index("==> a.png: Two? <==")


def test_no_stream_prints_the_same(vlm: Run, pictures: Sequence[str]) -> None:
    streamed, whole = (vlm("describe", *pictures, *DEMO, *more) for more in ([], ["--no-stream"]))
    assert streamed == whole


@pytest.mark.parametrize(
    ("name", "format"),
    [(extension, name) for name, kind in WRITERS.items() for extension in kind.extensions[:1]] + [(".out", "text")],
)
def test_the_extension_chooses_the_format(vlm: Run, picture: str, name: str, format: str) -> None:
    task = "ocr" if format == "hocr" else "describe"
    on_stdout = vlm(task, picture, "--format", format, *DEMO).stdout
    result = vlm(task, picture, "-o", f"answer{name}", *DEMO)
    assert (result.code, result.stdout) == (0, "")
    written = Path(f"answer{name}").read_bytes().decode()
    if format in ("json", "jsonl"):  # two runs differ in their timings
        record = json.loads(written)
        assert ("job" in record) == (format == "jsonl")  # by which a job knows it again
        assert_schema({name: value for name, value in record.items() if name != "job"})
        assert record["text"] == json.loads(on_stdout)["text"]
    else:
        assert WITHOUT_TIMINGS.sub("", written) == WITHOUT_TIMINGS.sub("", on_stdout)


def test_the_option_wins_over_the_extension(vlm: Run, picture: str) -> None:
    vlm("describe", picture, "-o", "answer.txt", "--format", "json", *DEMO)
    assert_schema(json.loads(Path("answer.txt").read_text(encoding="utf-8")))


def test_a_dash_is_stdout(vlm: Run, picture: str) -> None:
    assert vlm("describe", picture, "-o", "-", *DEMO).stdout == vlm("describe", picture, *DEMO).stdout


def test_a_failure_leaves_the_file_that_was_there(vlm: Run, picture: str) -> None:
    Path("answer.json").write_text("precious")
    assert vlm("describe", "none.png", "-o", "answer.json", *DEMO).code == 3
    assert vlm("describe", picture, "-o", "answer.json", "--model", "nothing").code == 4
    assert vlm("ask", picture, "word " * 3000, "-o", "answer.json", *DEMO).code == 5
    assert Path("answer.json").read_text() == "precious"
    assert sorted(os.listdir()) == [picture, "answer.json"]  # nothing half written beside it


def test_an_answer_replaces_the_file_that_was_there(vlm: Run, picture: str) -> None:
    Path("answer.json").write_text("old" * 10_000)
    assert vlm("describe", picture, "-o", "answer.json", *DEMO).code == 0
    assert_schema(json.loads(Path("answer.json").read_text(encoding="utf-8")))
    assert sorted(os.listdir()) == [picture, "answer.json"]


def test_a_file_with_one_bad_picture_among_good_ones_is_kept(vlm: Run, picture: str) -> None:
    assert vlm("describe", picture, "none.png", "-o", "answers.jsonl", *DEMO).code == 1
    records = [json.loads(line) for line in Path("answers.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {record["picture"]: record["error"] is None for record in records} == {picture: True, "none.png": False}
