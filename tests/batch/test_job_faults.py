"""What may go wrong under a job: an engine that dies, a full disk, an output that goes away, another process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.batch.conftest import JOB, assert_each_once, cut_model, deadly, names_in, read
from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


def failures(path: str = "x.jsonl") -> dict[str, str]:
    return {record["picture"]: record["error"]["message"] for record in read(path) if record["error"]}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (str(int(signal.SIGSEGV)), "(SIGSEGV)"),
        (str(int(signal.SIGKILL)), "(SIGKILL, perhaps for want of memory)"),
        ("said", "(SIGABRT: GGML_ASSERT(false) failed)"),
    ],
)
def test_a_picture_that_kills_the_engine_is_recorded_and_the_job_goes_on(
    vlm_process: Callable[..., Any], fill: Callable[..., list[str]], faulty: dict[str, str], fault: str, reason: str
) -> None:
    names = fill(12)
    deadly("photos/5.png", fault)
    result = vlm_process("describe", "photos", *JOB, "-o", "x.jsonl", env=faulty)
    assert result.code == 1, result.stderr
    assert names_in() == names
    assert failures() == {"photos/5.png": f"photos/5.png ended the engine {reason}."}
    assert f"photos/5.png ended the engine {reason}" in result.stderr

    again = vlm_process("describe", "photos", *JOB, "-o", "x.jsonl")  # with a sound decoder, but not asked to retry
    assert (again.code, "1 failed before" in again.stderr) == (1, True)
    retried = vlm_process("describe", "photos", *JOB, "-o", "x.jsonl", "--retry-failed")
    assert retried.code == 0, retried.stderr
    assert_each_once(names)


def test_two_that_kill_are_told_apart_from_those_beside_them(
    vlm_process: Callable[..., Any], fill: Callable[..., list[str]], faulty: dict[str, str]
) -> None:
    names = fill(14)
    deadly("photos/3.png", "11")
    deadly("photos/9.png", "6")
    result = vlm_process("describe", "photos", *JOB, "-o", "x.jsonl", env=faulty)
    assert result.code == 1, result.stderr
    assert names_in() == names
    assert set(failures()) == {"photos/3.png", "photos/9.png"}


def test_an_engine_that_always_dies_stops_the_job_and_blames_no_picture(
    vlm_process: Callable[..., Any], fill: Callable[..., list[str]], faulty: dict[str, str]
) -> None:
    for name in fill(8):
        deadly(name, "11")
    result = vlm_process("describe", "photos", *JOB, "-o", "x.jsonl", env=faulty)
    assert result.code == 5
    assert "The engine died 3 times without an answer between (SIGSEGV)." in result.stderr
    assert not os.path.exists("x.jsonl")


def test_a_model_that_cannot_be_opened_is_said_once(
    vlm: Callable[..., Any], fill: Callable[..., list[str]], tmp_path: Path
) -> None:
    fill(3)
    result = vlm("describe", "photos", "-r", *cut_model(tmp_path), "-o", "x.jsonl")
    assert result.code in (4, 5)
    assert result.stderr.count("vlm: ") == 1
    assert not os.path.exists("x.jsonl")


def test_two_processes_on_one_output(
    start_vlm: Callable[..., Any], vlm: Callable[..., Any], fill: Callable[..., list[str]], talker: list[str]
) -> None:
    fill(3)
    first = start_vlm("describe", "photos", "-r", *talker, "-o", "x.jsonl", "--verbose")
    assert first.stderr is not None
    while b"llama_context" not in first.stderr.readline():
        assert first.poll() is None
    os.symlink("x.jsonl", "same.jsonl")
    for name in ("x.jsonl", "same.jsonl"):
        result = vlm("describe", "photos", *JOB, "-o", name)
        assert result.code == 7
        assert result.stderr.startswith(f"vlm: Another vlm (process {first.pid}) is writing {name}.")
    first.kill()
    first.wait()
    assert vlm("describe", "photos", *JOB, "-o", "x.jsonl").code == 0  # a crash has released it


FULL = """
import os, sys
from vlmcli.batch.ledger import Ledger
real, limit = os.write, int(sys.argv.pop(1))
def write(fd, data):  # a disk with so much room
    room = limit - os.fstat(fd).st_size
    if len(data) > room:
        if room > 0: real(fd, bytes(data)[:room])
        raise OSError(28, "No space left on device")
    return real(fd, data)
append = Ledger._write
def on_full_disk(self, line):
    os.write = write
    try: append(self, line)
    finally: os.write = real
Ledger._write = on_full_disk
from vlmcli.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_full_disk_stops_with_a_sentence_and_leaves_whole_records(
    vlm: Callable[..., Any], fill: Callable[..., list[str]]
) -> None:
    names = fill(10)
    command = [sys.executable, "-c", FULL, "4000", "describe", "photos", *JOB, "-o", "x.jsonl"]
    full = subprocess.run(command, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60)
    assert full.returncode == 7, full.stderr
    assert b"vlm: Cannot write" in full.stderr
    assert b"no space left on device" in full.stderr
    assert b"Traceback" not in full.stderr
    assert 0 < len(read()) < len(names)
    assert vlm("describe", "photos", *JOB, "-o", "x.jsonl").code == 0
    assert_each_once(names)


def test_an_output_that_is_taken_away_stops_the_job(
    start_vlm: Callable[..., Any], fill: Callable[..., list[str]], tmp_path: Path
) -> None:
    fill(200)
    os.mkdir("out")
    process = start_vlm("describe", "photos", *JOB, "-o", "out/x.jsonl")
    ledger = tmp_path / "out/x.jsonl"
    while not (ledger.exists() and ledger.stat().st_size):
        assert process.poll() is None
    ledger.unlink()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 7
    assert b"it was removed while it was written" in err
    assert b"What was answered is gone with it." in err


def test_failures_of_before_count_as_what_they_were(vlm: Callable[..., Any], fill: Callable[..., list[str]]) -> None:
    fill(2)
    command = ["describe", "photos", *JOB, "--timeout", "0.0001", "-o", "x.jsonl"]
    assert vlm(*command).code == 5
    again = vlm(*command)
    assert (again.code, "2 failed before" in again.stderr) == (5, True)


def test_a_file_that_is_not_ours_is_not_touched(vlm: Callable[..., Any], fill: Callable[..., list[str]]) -> None:
    fill(1)
    for content in (b"my notes", b"my notes\nmore\n", b'{"a": 1}\n', b'{"schema": 1, "task": "describe"}\n'):
        Path("x.jsonl").write_bytes(content)
        result = vlm("describe", "photos", *JOB, "-o", "x.jsonl")
        assert (result.code, "x.jsonl is no file of vlm's answers (line 1)." in result.stderr) == (2, True)
        assert Path("x.jsonl").read_bytes() == content
    assert vlm("describe", "photos", *JOB, "-o", "x.jsonl", "--overwrite").code == 0
    assert len(read()) == 1
