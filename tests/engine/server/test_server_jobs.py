"""A job over a folder with a server: every picture once, whatever the server does."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.batch.conftest import assert_each_once, fill, names_in, read
from tests.conftest import Result
from tests.engine.server import fake as faults
from tests.engine.server.fake import ANSWER, Fake, Running, status

__all__ = ["fill"]

Run = Callable[..., Result]
Write = Callable[[str], Path]
Serve = Callable[[Fake], Running]
PATIENCE_S = 60


def job(vlm: Run, engine: str, *more: str) -> Result:
    return vlm("describe", "photos", "-r", "--engine", engine, "-o", "x.jsonl", *more)


def test_every_picture_once(vlm: Run, fill: Any, fake: Fake) -> None:
    names = fill(30)
    assert job(vlm, fake.url).code == 0
    assert_each_once(names)
    assert {(record["text"], record["model"]) for record in read()} == {(ANSWER, "circle-1")}
    assert len(fake.chats) == 30
    assert job(vlm, fake.url).code == 0
    assert len(fake.chats) == 30  # it was all done


def test_the_same_model_at_another_address_is_the_same_job(vlm: Run, fill: Any, fake: Fake, serve: Serve) -> None:
    fill(3)
    job(vlm, fake.url)
    other = serve(Fake()).fake
    assert job(vlm, other.url).code == 0
    assert other.chats == []
    third = serve(Fake(models=("circle-2",))).fake
    assert job(vlm, third.url).code == 2  # another model: another job


def test_as_many_at_once_as_said(vlm: Run, fill: Any, fake: Fake, write_config: Write) -> None:
    fill(24)
    fake.delay_s = 0.05
    write_config(f'[engines.near]\nurl = "{fake.url}"\nconcurrency = 6\n')
    assert job(vlm, "near").code == 0
    assert 4 <= fake.most_at_once <= 6
    fake.most_at_once = 0
    assert job(vlm, "near", "--overwrite", "--parallel", "2").code == 0
    assert fake.most_at_once <= 2


def test_it_finds_out_how_many(vlm: Run, fill: Any, fake: Fake) -> None:
    """A server that takes all at the same pace is given more and more."""
    fill(150)
    fake.delay_s = 0.05
    assert job(vlm, fake.url).code == 0
    assert fake.most_at_once >= 8


def test_one_that_is_overloaded_is_given_less_and_all_is_answered(vlm: Run, fill: Any, fake: Fake) -> None:
    names = fill(20)
    refused = 0

    def at_most_three(handler: faults.Handler) -> None:
        nonlocal refused
        if fake.at_once > 3:
            refused += 1
            status(429, "slow down", Retry_After="0.05")(handler)
        else:
            time.sleep(0.02)
            faults.answer(handler)

    fake.always = at_most_three
    assert job(vlm, fake.url).code == 0
    assert_each_once(names)
    assert refused


def test_what_a_picture_is_refused_for_fails_that_picture_alone(vlm: Run, fill: Any, fake: Fake) -> None:
    names = fill(12)
    fake.faults.extend([None, status(400, "bad picture"), None])
    result = job(vlm, fake.url)
    assert result.code == 1
    assert sorted(names_in()) == sorted(names)
    assert [record["error"]["kind"] for record in read() if record["error"]] == ["server"]
    assert job(vlm, fake.url, "--retry-failed").code == 0
    assert_each_once(names)


def test_a_timeout_without_a_word_is_a_failed_record(vlm: Run, fill: Any, fake: Fake) -> None:
    names = fill(3)
    fake.faults.append(faults.stall)
    assert job(vlm, fake.url, "--timeout", "0.5").code == 1
    assert [record["error"]["kind"] for record in read() if record["error"]] == ["server_timeout"]
    assert job(vlm, fake.url, "--retry-failed").code == 0
    assert_each_once(names)


@pytest.mark.parametrize(
    ("fault", "code"),
    [(status(401, "expired"), 8), (status(500, "image input is not supported"), 4), (faults.page, 8)],
    ids=["401", "text only", "a page"],
)
def test_what_no_picture_would_be_answered_for_stops_the_job(
    vlm: Run, fill: Any, fake: Fake, fault: faults.Fault, code: int
) -> None:
    fill(30)
    fake.always = fault
    result = job(vlm, fake.url)
    assert result.code == code
    assert not Path("x.jsonl").exists()
    assert len(fake.chats) <= 4


def test_a_server_that_fails_everything_stops_the_job(
    vlm: Run, fill: Any, fake: Fake, write_config: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not 50,000 failed records, each after four tries."""
    fill(40)
    fake.always = status(500, "out of order")
    result = job(vlm, fake.url, "--parallel", "8")
    assert result.code == 8
    assert "failed (500): out of order." in result.stderr
    assert len(read()) < 20


def test_a_dead_server_is_waited_for_and_then_the_job_stops_with_everything_kept(
    vlm: Run, fill: Any, serve: Serve, write_config: Write
) -> None:
    names = fill(40)
    running = serve(Fake(delay_s=0.02))
    write_config(f'[engines.near]\nurl = "{running.fake.url}"\npatience = 1.5\n')
    dying = threading.Thread(target=_stop_after, args=(running, 12))
    dying.start()
    result = job(vlm, "near")
    dying.join()
    assert result.code == 8
    assert " · waiting for the server…" in result.stderr
    assert result.stderr.count("is the server running? Waiting for it, up to 2 seconds.") == 1
    assert " answered: the same command goes on from here" in result.stderr
    assert f"Nothing listens at {running.fake.url}: is the server running?" in result.stderr
    kept = names_in()
    assert 12 <= len(kept) < 40
    assert all(record["error"] is None for record in read())
    running.start()
    assert job(vlm, "near").code == 0
    assert_each_once(names)
    assert len(running.fake.chats) < 40 + 16  # only what was in work was asked again


def test_a_server_that_comes_back_in_time_is_gone_on_with(
    vlm: Run, fill: Any, serve: Serve, write_config: Write
) -> None:
    names = fill(40)
    running = serve(Fake(delay_s=0.02))
    write_config(f'[engines.near]\nurl = "{running.fake.url}"\npatience = 30\n')

    def restart() -> None:
        _stop_after(running, 12)
        time.sleep(1)
        running.start()

    restarting = threading.Thread(target=restart)
    restarting.start()
    assert job(vlm, "near").code == 0
    restarting.join()
    assert_each_once(names)


def _stop_after(running: Running, answers: int) -> None:
    until = time.monotonic() + PATIENCE_S
    while len(running.fake.chats) <= answers and time.monotonic() < until:
        time.sleep(0.005)
    running.stop()


def test_ctrl_c_finishes_what_is_begun(
    start_vlm: Callable[..., subprocess.Popen[bytes]], fill: Any, fake: Fake
) -> None:
    names = fill(60)
    fake.delay_s = 0.1
    process = start_vlm("describe", "photos", "-r", "--engine", fake.url, "-o", "x.jsonl", "--parallel", "2")
    until = time.monotonic() + PATIENCE_S
    while len(fake.chats) < 4 and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, err
    done = names_in()
    assert len(done) == len(set(done)) == len(fake.chats) < 60
    assert set(done) <= set(names)
    assert all(record["text"] == ANSWER for record in read())


@pytest.mark.parametrize("answers", [0, 3], ids=["nothing answered", "some answered"])
def test_ctrl_c_ends_a_job_that_only_waits_for_its_server(
    start_vlm: Callable[..., subprocess.Popen[bytes]], fill: Any, fake: Fake, answers: int
) -> None:
    names = fill(20)
    fake.faults.extend([None] * answers)
    fake.always = status(429, "slow down", Retry_After="60")
    process = start_vlm("describe", "photos", "-r", "--engine", fake.url, "-o", "x.jsonl", "--parallel", "1")
    assert process.stderr
    told = process.stderr.readline().decode()
    assert told == f"vlm: {fake.url} has too much to do (429): slow down. Waiting for it, up to 180 seconds.\n"
    said = process.stderr.readline()
    assert b"waiting for the server" in said
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE_S / 4)
    assert process.returncode == 130, err
    assert b"in work" not in err
    kept = names_in() if answers else []
    assert len(kept) == answers
    assert set(kept) <= set(names)


def test_a_busy_server_is_given_up_without_a_word_of_answers_that_are_not_there(
    vlm: Run, fill: Any, fake: Fake, write_config: Write
) -> None:
    fill(3)
    fake.always = status(503, "busy")
    write_config(f'[engines.near]\nurl = "{fake.url}"\npatience = 0.2\n')
    result = job(vlm, "near")
    assert result.code == 8
    assert "has too much to do (503): busy." in result.stderr
    assert "answered" not in result.stderr


def test_ctrl_c_ends_one_answer_at_once_and_keeps_its_words(
    start_vlm: Callable[..., subprocess.Popen[bytes]], picture: str, fake: Fake
) -> None:
    fake.always = faults.stall_in_the_middle
    process = start_vlm("ask", picture, "What?", "--engine", fake.url)
    assert process.stdout
    said = process.stdout.read(len("A red"))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (said + out, process.returncode) == (b"A red\n", 130), err
