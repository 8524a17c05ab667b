"""What tells two jobs apart, and what does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.batch.conftest import JOB, read
from vlmcli.grammar import join_labels, split_labels

Run = Callable[..., Any]
Fill = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (["--choices", r"one\,two,three"], ["--choices", r"one,two\,three"]),
        (["--regex", "one,two"], ["--choices", "one,two"]),
    ],
)
def test_forms_that_are_spelled_alike_are_told_apart(vlm: Run, fill: Fill, first: list[str], second: list[str]) -> None:
    fill(1)
    ask = ["ask", "photos", "-q", "How many?", "--model", "demo", "-o", "x.jsonl"]
    assert vlm(*ask, *first).code == 0
    assert "1 done before" in vlm(*ask, *first).stderr
    result = vlm(*ask, *second)
    assert (result.code, "x.jsonl was made with" in result.stderr) == (2, True)


def test_labels_are_joined_as_they_are_split() -> None:
    for text in ("a,b", r"a\,b,c", r"a\\,b\\\,"):
        assert join_labels(split_labels(text)) == text


def test_what_changes_nothing_tells_no_jobs_apart(vlm: Run, fill: Fill) -> None:
    fill(1)
    command = ["describe", "photos", *JOB, "-o", "x.jsonl"]
    assert vlm(*command).code == 0
    for vain in (["--temperature", "0"], ["--seed", "3"], ["--top-p", "0.5"], ["--temperature", "0", "--seed", "3"]):
        assert "1 done before" in vlm(*command, *vain).stderr
    assert vlm(*command, "--temperature", "0.5").code == 2


def test_a_ledger_whose_first_line_is_damaged_goes_on(vlm: Run, fill: Fill) -> None:
    fill(3)
    command = ["describe", "photos", *JOB, "-o", "x.jsonl"]
    vlm(*command)
    lines = Path("x.jsonl").read_bytes().splitlines(keepends=True)
    Path("x.jsonl").write_bytes(b"".join([lines[0][:200] + b"\n", *lines[1:]]))
    single = vlm("compare", "photos/0.png", "photos/1.png", "--model", "demo", "-o", "x.jsonl")
    assert (single.code, "holds what a job" in single.stderr) == (2, True)
    assert "1 answered, 2 done before" in vlm(*command).stderr
    assert [json.loads(line)["text"] for line in lines] == [record["text"] for record in read()]
