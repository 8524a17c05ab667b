"""kill -9 at any moment: run again, the same command ends with one whole record of each picture."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.batch.conftest import JOB, Start, assert_each_once, names_in, session_of

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


def wait_until(true: Callable[[], Any], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def kill_and_go_on(start_vlm: Start, vlm_process: Callable[..., Any], names: list[str], moments: list[float]) -> None:
    """After each death there are only whole records, never fewer, and no process is left."""
    done = 0
    for moment in moments:
        kill_after(start_vlm("describe", "photos", *JOB, "-o", "x.jsonl", start_new_session=True), moment)
        whole = Path("x.jsonl").read_bytes().rpartition(b"\n")[0].count(b"\n") + 1
        assert done <= whole <= len(names)
        done = whole
    result = vlm_process("describe", "photos", *JOB, "-o", "x.jsonl")
    assert result.code == 0, result.stderr
    assert_each_once(names)
    assert not [name for name in os.listdir() if name.startswith(".")]


def kill_after(process: subprocess.Popen[bytes], moment: float) -> None:
    """So many seconds after it has written something."""
    began = os.path.getsize("x.jsonl") if os.path.exists("x.jsonl") else 0
    wait_until(lambda: process.poll() is not None or _grew(began))
    time.sleep(moment)
    process.kill()
    process.wait()
    wait_until(lambda: not session_of(process.pid), 10)


def _grew(size_bytes: int) -> bool:
    return os.path.exists("x.jsonl") and os.path.getsize("x.jsonl") > size_bytes


def test_at_three_moments(start_vlm: Start, vlm_process: Callable[..., Any], fill: Callable[..., list[str]]) -> None:
    kill_and_go_on(start_vlm, vlm_process, fill(60), [0.0, 0.11, 0.23])


@pytest.mark.slow
def test_at_fifty_moments(start_vlm: Start, vlm_process: Callable[..., Any], fill: Callable[..., list[str]]) -> None:
    chance = random.Random(6)
    kill_and_go_on(start_vlm, vlm_process, fill(400), [chance.random() * 0.3 for _ in range(50)])


def test_a_torn_line_is_cut_and_its_picture_done_again(vlm: Callable[..., Any], fill: Callable[..., list[str]]) -> None:
    names = fill(4)
    vlm("describe", "photos", *JOB, "-o", "x.jsonl")
    whole = Path("x.jsonl").read_bytes()
    for cut in (whole[:-1], whole[:-40], whole[: whole.rindex(b"{", 0, -400)], whole + b"\0" * 512, whole + b'{"sch'):
        Path("x.jsonl").write_bytes(cut)
        assert vlm("describe", "photos", *JOB, "-o", "x.jsonl").code == 0
        assert_each_once(names)


def test_ctrl_c_finishes_what_is_begun_and_goes_on_later(
    start_vlm: Start, vlm_process: Callable[..., Any], fill: Callable[..., list[str]]
) -> None:
    names = fill(40)
    process = start_vlm("describe", "photos", *JOB, "-o", "x.jsonl", start_new_session=True)
    wait_until(lambda: _grew(0))
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does it: to all of them
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert b"the same command goes on from here" in err
    assert b"Traceback" not in err
    assert 0 < len(names_in()) < len(names)
    result = vlm_process("describe", "photos", *JOB, "-o", "x.jsonl")
    assert result.code == 0
    assert f"{len(names) - int(result.stderr.split()[1])} done before" in result.stderr
    assert_each_once(names)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-o", "x.jsonl", "--overwrite"], "the same command without --overwrite goes on from here\n"),
        (["--sidecar", ".txt", "--overwrite"], "the same command begins anew; without --overwrite it leaves"),
        (["--sidecar", ".txt"], "the same command goes on from here\n"),
        (["--choices", "a,b", "--link-to", "out/{choice}"], "these answers are in no file, and the same command"),
    ],
)
def test_what_is_said_after_ctrl_c_is_true_of_these_options(
    start_vlm: Start, fill: Callable[..., list[str]], options: list[str], words: str
) -> None:
    fill(200)
    process = start_vlm("ask", "photos", "-q", "What?", *JOB, *options, "--verbose", start_new_session=True)
    assert process.stderr is not None
    while b"llama_context" not in process.stderr.readline():
        assert process.poll() is None
    wait_until(lambda: _grew(0) or any(Path("photos").glob("*.txt")) or "--link-to" in options)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert f"vlm: {words}" in err.decode()


def test_ctrl_c_twice_leaves_at_once_and_nothing_torn(
    start_vlm: Start, fill: Callable[..., list[str]], talker: list[str]
) -> None:
    fill(12)
    process = start_vlm("describe", "photos", "-r", *talker, "-o", "x.jsonl", "--verbose", start_new_session=True)
    assert process.stderr is not None
    while b"llama_context" not in process.stderr.readline():
        assert process.poll() is None
    for _ in range(2):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.3)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert b"Traceback" not in err
    wait_until(lambda: not session_of(process.pid), 10)
    assert not os.path.exists("x.jsonl") or names_in() is not None


def test_ctrl_c_leaves_the_rendered_output_whole(start_vlm: Start, fill: Callable[..., list[str]]) -> None:
    fill(60)
    process = start_vlm("describe", "photos", *JOB, "-o", "x.csv", start_new_session=True)
    ledger = Path(".x.csv.vlm.jsonl")
    wait_until(lambda: ledger.exists() and ledger.stat().st_size)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert Path("x.csv").read_bytes().count(b"\r\n") == 1 + len(names_in(ledger))


def test_on_a_terminal_the_progress_leaves_no_trace(on_terminal: Callable[..., Any], fill: Callable[..., Any]) -> None:
    fill(12)
    shown = on_terminal("describe", "photos", *JOB, "-o", "x.csv")
    assert shown.code == 0
    assert " of 12" in shown.sent
    assert "a minute (" in shown.sent
    assert "photos/" in shown.sent
    assert shown.lines == [
        "vlm: 12 answered",
        "vlm: 12 of the answers are cut short (more room: --max-tokens)",
    ]
