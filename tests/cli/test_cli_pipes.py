"""Real pipes and real files behind stdin, stdout and stderr: closed, full, not there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")

Run = Callable[..., Any]
Start = Callable[..., "subprocess.Popen[bytes]"]
DEMO = ("--model", "demo", "--max-tokens", "2")
PATIENCE_S = 60
CLOSED_PIPE = 141
needs_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")


def test_a_pipe_gets_the_answer_alone(vlm_process: Run, picture: str) -> None:
    result = vlm_process("describe", picture, *DEMO, "--quiet")
    assert (result.code, result.stderr) == (0, "")
    assert result.stdout.endswith("\n")
    assert "\x1b" not in result.stdout


def test_a_picture_through_a_pipe(vlm_process: Run, picture: str) -> None:
    piped = vlm_process("describe", "-", *DEMO, stdin=Path(picture).read_bytes())
    assert piped.code == 0
    assert piped.stdout == vlm_process("describe", picture, *DEMO).stdout


def test_a_question_through_a_pipe(vlm_process: Run, picture: str) -> None:
    piped = vlm_process("ask", picture, *DEMO, stdin=b"How many shapes are there?\n")
    assert piped.code == 0
    assert piped.stdout == vlm_process("ask", picture, "How many shapes are there?", *DEMO).stdout


def test_words_arrive_before_the_answer_is_whole(start_vlm: Start, picture: str, talker: list[str]) -> None:
    process = start_vlm("ask", picture, "What?", *talker)
    assert process.stdout is not None
    assert os.read(process.stdout.fileno(), 1)
    assert process.poll() is None


def test_a_reader_that_goes_away_is_no_error(start_vlm: Start, picture: str, talker: list[str]) -> None:
    process = start_vlm("ask", picture, "What?", *talker, "--quiet")
    assert process.stdout is not None
    assert process.stdout.read(1)
    process.stdout.close()
    assert process.wait(PATIENCE_S) == CLOSED_PIPE
    assert process.stderr is not None
    assert process.stderr.read() == b""


@pytest.mark.parametrize("format", ["text", "json", "jsonl"])
def test_a_reader_that_was_never_there(start_vlm: Start, picture: str, format: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = start_vlm("describe", picture, *DEMO, "--format", format, "--quiet", stdout=writer)
    os.close(writer)
    assert process.communicate(timeout=PATIENCE_S)[1] == b""
    assert process.returncode == CLOSED_PIPE


@pytest.mark.parametrize("command", ["--help", "--version"])
def test_nor_for_help(start_vlm: Start, command: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = start_vlm(command, stdout=writer)
    os.close(writer)
    assert process.communicate(timeout=PATIENCE_S)[1] == b""
    assert process.returncode == CLOSED_PIPE


@pytest.mark.parametrize("command", ["doctor", "models", "config", "demo"])
def test_nor_for_commands_that_ask_nothing(start_vlm: Start, command: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = start_vlm(command, stdout=writer, env={"VLM_EXTRA_BUFFERS": "on"})
    os.close(writer)
    assert process.communicate(timeout=PATIENCE_S)[1] == b""
    assert process.returncode == CLOSED_PIPE


@needs_full
@pytest.mark.parametrize("arguments", [["describe", "a.png", *DEMO, "--format", f] for f in ("text", "json", "jsonl")])
def test_a_full_disk_is_a_sentence(vlm_process: Run, picture: str, arguments: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        result = vlm_process(*arguments, stdout=full)
    assert result.code == 7
    assert result.stderr.lower().startswith("vlm: cannot write to standard output: no space left on device")
    assert "--output" in result.stderr
    assert "Traceback" not in result.stderr


@needs_full
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", ["--help", "--version", "models"])
def test_a_full_disk_for_help(vlm_process: Run, command: str, unbuffered: str) -> None:
    with open("/dev/full", "wb") as full:
        result = vlm_process(command, stdout=full, env={"PYTHONUNBUFFERED": unbuffered})
    assert result.code == 7
    *_heard, sentence, hint = result.stderr.splitlines()
    assert sentence == "vlm: Cannot write to standard output: no space left on device."
    assert hint.startswith("  ")


@needs_full
def test_a_full_disk_for_a_file(vlm_process: Run, picture: str) -> None:
    result = vlm_process("describe", picture, *DEMO, "-o", "/dev/full", "--quiet")
    assert (result.code, result.stdout) == (7, "")
    assert result.stderr.lower().startswith("vlm: cannot write /dev/full: no space left on device")


def without(*descriptors: int) -> dict[str, Any]:
    """Options of a process that starts with these closed, as `>&-` in a shell."""

    def close() -> None:
        for descriptor in descriptors:
            os.close(descriptor)

    return {"preexec_fn": close}


def test_closed_stdout_is_a_sentence(vlm_process: Run, picture: str) -> None:
    result = vlm_process("describe", picture, *DEMO, **without(1))
    assert result.code == 7
    assert result.stderr.lower().startswith("vlm: cannot write to standard output: it is closed")
    assert "--output FILE" in result.stderr


def test_closed_stdout_does_not_matter_to_a_file(vlm_process: Run, picture: str, tmp_path: Path) -> None:
    result = vlm_process("describe", picture, *DEMO, "-o", "a.txt", "--quiet", **without(1))
    assert (result.code, result.stderr) == (0, "")
    assert (tmp_path / "a.txt").stat().st_size > 0


@pytest.mark.parametrize(
    "words", ["--help", "--version", "models", "models --json", "demo", "inspect a.png --model demo", "cache path"]
)
def test_closed_stdout_is_told_by_all_who_would_print(vlm_process: Run, picture: str, words: str) -> None:
    result = vlm_process(*words.split(), **without(1))
    assert result.code == 7
    *_heard, sentence, hint = result.stderr.splitlines()
    assert sentence == "vlm: Cannot write to standard output: it is closed."
    assert hint == "  Send it somewhere: vlm … > FILE"
    assert "Traceback" not in result.stderr


def test_closed_stdout_does_not_matter_where_nothing_is_printed(vlm_process: Run) -> None:
    result = vlm_process("config", "set", "model", "demo", **without(1))
    assert (result.code, result.stderr.startswith('model = "demo"')) == (0, True)


def test_closed_stderr_keeps_the_answer(vlm_process: Run, picture: str) -> None:
    whole = vlm_process("describe", picture, *DEMO)
    assert vlm_process("describe", picture, *DEMO, **without(2)) == (0, whole.stdout, "")


def test_closed_stdin(vlm_process: Run, picture: str) -> None:
    assert vlm_process("describe", picture, *DEMO, **without(0)).code == 0
    asked = vlm_process("ask", picture, *DEMO, **without(0))
    assert (asked.code, asked.stdout) == (2, "")
    assert asked.stderr.startswith("vlm: There is no question.")
    piped = vlm_process("describe", "-", *DEMO, **without(0))
    assert (piped.code, piped.stdout) == (3, "")
    assert "Traceback" not in asked.stderr + piped.stderr


def test_all_closed(vlm_process: Run, picture: str, tmp_path: Path) -> None:
    assert vlm_process("describe", picture, *DEMO, "-o", "a.txt", **without(0, 1, 2)).code == 0
    assert (tmp_path / "a.txt").stat().st_size > 0


def test_not_one_byte_of_llama_cpp(vlm_process: Run, picture: str) -> None:
    """Of a whole process, start and end included, with an answer in between."""
    assert vlm_process("ask", picture, "What?", *DEMO, "--quiet").stderr == ""
    loud = vlm_process("ask", picture, "What?", *DEMO, "--verbose")
    assert "llama" in loud.stderr
    assert "clip" in loud.stderr
