"""Ctrl-C at every stage of a real process: exit code 130, no traceback, and what was said so far is kept."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

Start = Callable[..., "subprocess.Popen[bytes]"]
PATIENCE_S = 60
MANY_QUESTIONS = [word for n in range(60) for word in ("-q", f"What is {n}?")]
_IMPORT = re.compile(rb"import time: +\S+ \| +\S+ \| +(\S+)\n")

# In the order in which a process imports them: our first lines, typer, our own modules, Pillow beside llama.cpp's
# bindings and the template engine on the other thread.
STAGES = [
    *("typer.models", "typer", "vlmcli.cli.app", "vlmcli.output", "vlmcli.cli.work", "vlmcli.images.sources"),
    *("vlmcli.engine.llama.bindings", "PIL", "PIL.Image", "vlmcli.images.decode"),
    *("jinja2.utils", "jinja2.lexer", "jinja2"),
]


def interrupt_after(process: subprocess.Popen[bytes], module: str) -> bytes:
    """Ctrl-C as soon as this module has been imported (`-X importtime` says when); what else was on stderr."""
    assert process.stderr is not None
    seen = b""
    for line in process.stderr:
        seen += line
        found = _IMPORT.fullmatch(line)
        if found and found[1] == module.encode():
            process.send_signal(signal.SIGINT)
            break
    else:
        pytest.fail(f"{module} was never imported: {_IMPORT.sub(b'', seen)!r}")
    rest = process.stderr.read()  # not communicate(): it would lose what is buffered here
    process.wait(PATIENCE_S)
    return _IMPORT.sub(b"", seen + rest).replace(b"import time: self [us] | cumulative | imported package\n", b"")


@pytest.mark.parametrize("module", STAGES)
def test_while_it_starts_and_loads(start_vlm: Start, picture: str, module: str) -> None:
    process = start_vlm("ask", picture, *MANY_QUESTIONS, "--model", "demo", python=["-X", "importtime"])
    said = interrupt_after(process, module)
    assert (process.returncode, said.decode()) == (130, "")


def read_until(process: subprocess.Popen[bytes], words: bytes, more: int = 0) -> bytes:
    """What it says up to `words`, and at least so many bytes after them."""
    assert process.stdout is not None
    seen = b""
    while words not in seen or len(seen.partition(words)[2]) < more:
        chunk = os.read(process.stdout.fileno(), 4096)
        assert chunk, f"it ended before it said {words!r}"
        seen += chunk
    return seen


def test_while_it_answers_keeps_what_was_said(start_vlm: Start, picture: str, talker: list[str]) -> None:
    process = start_vlm("ask", picture, *MANY_QUESTIONS, *talker, "--quiet")
    seen = read_until(process, b"==> a.png: What is 0? <==\n", more=1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (130, b"")
    assert (seen + out).endswith(b"\n")
    assert b"What is 59?" not in out


def test_keeps_the_answers_that_were_whole(start_vlm: Start, picture: str, talker: list[str]) -> None:
    process = start_vlm("ask", picture, *MANY_QUESTIONS, *talker, "--max-tokens", "300", "--format", "jsonl")
    seen = read_until(process, b"\n")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert b"Traceback" not in err
    records = [json.loads(line) for line in (seen + out).splitlines()]
    assert records[0]["stop_reason"] == "length"
    assert all(record["cut_short"] for record in records if record["stop_reason"] == "interrupted")


def test_leaves_json_whole(start_vlm: Start, picture: str, talker: list[str]) -> None:
    process = start_vlm("ask", picture, *MANY_QUESTIONS, *talker, "--max-tokens", "300", "--format", "json")
    seen = read_until(process, b"{")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert len(json.loads(seen + out)) >= 1


def test_says_that_the_answer_is_not_whole(start_vlm: Start, picture: str, talker: list[str]) -> None:
    process = start_vlm("ask", picture, "What is it?", *talker)
    assert process.stdout is not None
    assert os.read(process.stdout.fileno(), 1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert err == b"vlm: a.png: cut short: interrupted\n"


def test_leaves_no_half_answer_in_a_file(start_vlm: Start, picture: str, talker: list[str], tmp_path: Path) -> None:
    process = start_vlm("ask", picture, "What is it?", *talker, "-o", "answer.txt", "--verbose")
    assert process.stderr is not None
    while b"llama_context" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert os.listdir(tmp_path) == [picture]


def test_while_it_waits_for_a_picture(start_vlm: Start) -> None:
    process = start_vlm("describe", "-", "--model", "demo", stdin=subprocess.PIPE, python=["-X", "importtime"])
    said = interrupt_after(process, "jinja2")
    assert (process.returncode, said) == (130, b"")


def test_twice(start_vlm: Start, picture: str, talker: list[str]) -> None:
    process = start_vlm("ask", picture, *MANY_QUESTIONS, *talker, "--quiet")
    read_until(process, b"<==\n")
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert b"Traceback" not in err


def test_from_python_is_a_keyboard_interrupt(tmp_path: Path, picture: str, talker: list[str]) -> None:
    """The engine answers again after a Ctrl-C that the caller has caught."""
    script = f"""
import os, signal, vlmcli
with vlmcli.Vlm({talker[1]!r}, mmproj={talker[3]!r}, threads=1) as vlm:
    try:
        for n, words in enumerate(vlm.ask("a.png", "What?", max_tokens=500, temperature=1.0, seed=1)):
            if n == 3:
                os.kill(os.getpid(), signal.SIGINT)
        print("not interrupted")
    except KeyboardInterrupt:
        print(vlm.ask("a.png", "What?", max_tokens=5, temperature=1.0).record.stop_reason)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=PATIENCE_S)
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout == b"length\n"


@pytest.mark.slow
def test_at_any_moment(start_vlm: Start, picture: str, talker: list[str]) -> None:
    """Two hundred moments between the first line of ours and the middle of an answer."""
    chance = random.Random(0)
    for _ in range(200):
        process = start_vlm("ask", picture, *MANY_QUESTIONS, *talker, "--quiet", python=["-X", "importtime"])
        assert process.stderr is not None
        for line in process.stderr:
            if line.endswith(b" typer._click.globals\n"):
                break
        time.sleep(chance.random() * 0.8)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
        assert time.monotonic() - began < 10
        assert process.returncode == 130
        assert b"Traceback" not in err
        assert b"Exception ignored" not in err
