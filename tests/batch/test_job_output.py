"""What a job makes of its ledger: other formats, whole or not at all, and never in the place of a ledger."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.batch.conftest import JOB
from vlmcli.errors import OutputError
from vlmcli.output.sink import FileSink

Run = Callable[..., Any]
Fill = Callable[..., list[str]]


# --- whole or not at all --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fault", "code"), [(OutputError("Cannot write it: the disk is full."), 7), (None, 130)])
def test_what_ends_the_writing_leaves_the_file_as_it_was(
    vlm: Run, fill: Fill, monkeypatch: pytest.MonkeyPatch, fault: OutputError | None, code: int
) -> None:
    """Also of JSON, whose array could be closed."""
    fill(4)
    assert vlm("describe", "photos", *JOB, "--limit", "3", "-o", "old.csv").code == 0
    before = Path("old.csv").read_bytes()
    write_all = FileSink.write

    def write(self: FileSink, text: str) -> None:
        if "photos/2.png" in text:
            raise fault or KeyboardInterrupt
        write_all(self, text)

    with monkeypatch.context() as patch:
        patch.setattr(FileSink, "write", write)
        assert vlm("describe", "photos", *JOB, "-o", "old.csv").code == code
        assert vlm("describe", "photos", *JOB, "-o", "new.json").code == code
    assert Path("old.csv").read_bytes() == before
    assert sorted(os.listdir()) == [".new.json.vlm.jsonl", ".old.csv.vlm.jsonl", "old.csv", "photos"]
    assert "0 answered, 4 done before" in vlm("describe", "photos", *JOB, "-o", "old.csv").stderr
    assert Path("old.csv").read_text().count("\n") == 5
