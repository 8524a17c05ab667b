"""The parts of a merge: what is missing, torn or no part at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.batch.conftest import JOB

Run = Callable[..., Any]
Fill = Callable[..., list[str]]


@pytest.mark.parametrize("whole_lines", [0, 1])
def test_a_torn_part_is_not_all_of_its_shard(vlm: Run, fill: Fill, whole_lines: int) -> None:
    fill(6)
    for part in (1, 2):
        vlm("describe", "photos", *JOB, "--shard", f"{part}/2", "-o", f"{part}.jsonl")
    lines = Path("2.jsonl").read_bytes().splitlines(keepends=True)
    Path("2.jsonl").write_bytes(b"".join(lines[:whole_lines]) + lines[whole_lines][:300])
    torn = vlm("merge", "1.jsonl", "2.jsonl", "-o", "whole.csv")
    assert torn.code == 2
    assert torn.stderr.startswith("vlm: 2.jsonl ends within a line: the job that answered it was cut off.\n  ")
    assert sorted(os.listdir()) == ["1.jsonl", "2.jsonl", "photos"]
    vlm("describe", "photos", *JOB, "--shard", "2/2", "-o", "2.jsonl")
    assert vlm("merge", "1.jsonl", "2.jsonl", "-o", "whole.csv").code == 0
    assert Path("whole.csv").read_text().count("\n") == 7


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_pipe_is_no_part(vlm: Run, fill: Fill) -> None:
    fill(1)
    vlm("describe", "photos", *JOB, "-o", "1.jsonl")
    reader, writer = os.pipe()
    os.write(writer, Path("1.jsonl").read_bytes())
    os.close(writer)
    result = vlm("merge", f"/dev/fd/{reader}", "-o", "whole.jsonl")
    os.close(reader)
    assert result.code == 2
    assert result.stderr.startswith(f"vlm: /dev/fd/{reader} is a pipe, and parts are read twice.\n  ")
    assert sorted(os.listdir()) == ["1.jsonl", "photos"]
