"""What a job makes of its ledger: other formats, whole or not at all, and never in the place of a ledger."""

from __future__ import annotations

import errno
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


# --- in its place ---------------------------------------------------------------------------------------------


def test_a_ledger_is_not_replaced_by_another_format(vlm: Run, fill: Fill) -> None:
    fill(2)
    vlm("describe", "photos", *JOB, "-o", "x.jsonl")
    before = Path("x.jsonl").read_bytes()
    for options in (["--format", "csv"], ["--template", "{picture}"]):
        result = vlm("describe", "photos", *JOB, "-o", "x.jsonl", *options)
        assert result.code == 2
        assert result.stderr.startswith("vlm: x.jsonl holds what a job over many pictures has answered.\n  ")
        assert "--overwrite" in result.stderr
        assert Path("x.jsonl").read_bytes() == before
    assert vlm("describe", "photos", *JOB, "-o", "x.jsonl", "--format", "csv", "--overwrite").code == 0
    assert Path("x.jsonl").read_text().startswith("picture,")


def test_one_answer_about_several_does_not_replace_what_a_job_made(vlm: Run, fill: Fill) -> None:
    names = fill(2)
    vlm("describe", "photos", *JOB, "-o", "x.csv")
    before = Path("x.csv").read_bytes()
    for command in (["ask", *names, "-q", "What?", "--together"], ["compare", *names]):
        result = vlm(*command, "--model", "demo", "-o", "x.csv")
        assert (result.code, "x.csv is made from .x.csv.vlm.jsonl, which holds" in result.stderr) == (2, True)
        assert Path("x.csv").read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="devices of POSIX")
def test_a_stream_has_no_ledger_beside_it(vlm: Run, fill: Fill) -> None:
    fill(2)
    for output in ("-", "/dev/stdout"):
        result = vlm("describe", "photos", *JOB, "--sidecar", ".txt", "--overwrite", "-o", output)
        assert (result.code, result.stdout.count("==> photos/")) == (0, 2)
    assert vlm("describe", "photos", *JOB, "--sidecar", ".txt", "--overwrite", "-o", "/dev/null").code == 0
    assert os.listdir() == ["photos"]
    assert not Path("/dev/.null.vlm.jsonl").exists()
    vlm("describe", "photos", *JOB, "-o", "x.jsonl")
    for output in ("-", "/dev/stdout"):
        merged = vlm("merge", "x.jsonl", "-o", output)
        assert (merged.code, merged.stdout.count("==> photos/")) == (0, 2)
    assert sorted(os.listdir()) == ["photos", "x.jsonl"]


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_an_output_may_have_a_name_as_long_as_the_disk_takes(vlm: Run, fill: Fill, ending: str) -> None:
    fill(2)
    name = "x" * (255 - len(ending)) + ending
    assert vlm("describe", "photos", *JOB, "-o", name).code == 0
    assert "0 answered, 2 done before" in vlm("describe", "photos", *JOB, "-o", name).stderr
    longer = vlm("describe", "photos", *JOB, "-o", f"x{name}")
    assert (longer.code, f"Cannot write x{name}: file name too long." in longer.stderr) == (7, True)


def test_a_disk_without_room_for_the_lock(vlm: Run, fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock holds all the same, and goes when it is over."""
    fill(2)
    vlm("describe", "photos", *JOB, "-o", "x.csv")
    real, pid = os.write, f"{os.getpid()}\n".encode()

    def write(fd: int, data: bytes) -> int:
        if bytes(data) == pid:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, data)

    monkeypatch.setattr(os, "write", write)
    assert "0 answered, 2 done before" in vlm("describe", "photos", *JOB, "-o", "x.csv").stderr
    assert sorted(os.listdir()) == [".x.csv.vlm.jsonl", "photos", "x.csv"]


# --- what is in it --------------------------------------------------------------------------------------------


def test_questions_of_an_earlier_run_are_told_apart(vlm: Run, fill: Fill) -> None:
    fill(1)
    for question in ("How many?", "Which colour?"):
        vlm("ask", "photos", "-q", question, *JOB, "-o", "x.txt")
    headings = [line for line in Path("x.txt").read_text().splitlines() if line.startswith("==>")]
    assert sorted(headings) == ["==> photos/0.png: How many? <==", "==> photos/0.png: Which colour? <=="]


def test_a_merged_page_has_thumbnails(vlm: Run, fill: Fill) -> None:
    fill(2)
    vlm("describe", "photos", *JOB, "-o", "x.jsonl")
    assert vlm("merge", "x.jsonl", "-o", "x.html").code == 0
    assert Path("x.html").read_text().count("<img") == 2
