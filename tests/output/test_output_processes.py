"""Whole processes: closed pipes, full disks, Ctrl-C, and what is imported."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""}
PRELUDE = """
import sys, time
from vlmcli.core import *
from vlmcli.errors import *
from vlmcli.output import *

def main():
    with open_writer(OutputSettings()) as writer:
        writer.emit(JobStage(None, "loading"))
        for n in range(int(sys.argv[1])):
            writer.emit(JobText(0, f"word{n} "))
            time.sleep(float(sys.argv[2]))
        text = " ".join(f"word{n}" for n in range(n + 1))
        writer.emit(JobDone(0, Record((PictureInfo("a"),), "ask", "q", "demo", text)))

try:
    main()
except BrokenPipeError:
    silence_stdout()
    sys.exit(0)
except OutputError as error:
    print_error(error)
    silence_stdout()
    sys.exit(error.exit_code)
except KeyboardInterrupt:
    sys.exit(130)
print(*(name for name in ("rich", "pygments", "markdown_it") if name in sys.modules), file=sys.stderr, end="")
"""


def start(words: int, pause_s: float, **options: Any) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", PRELUDE, str(words), str(pause_s)]
    return subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, bufsize=0, **options)


def test_a_closed_pipe_is_silent() -> None:
    process = start(5000, 0.001, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.read(5) == b"word0"
    process.stdout.close()
    assert process.communicate(timeout=5)[1] == b""
    assert process.returncode == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk_behind_stdout_is_one_sentence() -> None:
    with open("/dev/full", "wb") as full:
        process = start(3, 0, stdout=full)
        err = process.communicate(timeout=5)[1].decode()
    assert err.startswith("vlm: Cannot write to standard output: no space left on device.\n  ")
    assert err.count("\n") == 2
    assert process.returncode == 7


def test_ctrl_c_keeps_what_was_said() -> None:
    process = start(1000, 0.01, stdout=subprocess.PIPE)
    assert process.stdout is not None
    said = process.stdout.read(20)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    rest, err = process.communicate(timeout=5)
    words = (said + rest).decode()
    assert words.endswith("\n")
    assert words.split() == [f"word{n}" for n in range(len(words.split()))]
    assert (process.returncode, err) == (130, b"")


def test_a_pipe_needs_no_rich() -> None:
    process = start(2, 0, stdout=subprocess.PIPE)
    assert process.communicate(timeout=5) == (b"word0 word1\n", b"")


@pytest.mark.parametrize("silenced", [True, False])
def test_nothing_is_said_at_exit_about_a_reader_that_left(silenced: bool) -> None:
    read, write = os.pipe()
    os.close(read)
    script = (
        "import sys; from vlmcli.output import silence_stdout; sys.stdout.write('x'); " + "silence_stdout()" * silenced
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=ENVIRONMENT, stdout=write, stderr=subprocess.PIPE, timeout=5
    )
    os.close(write)
    assert ((done.returncode, done.stderr) == (0, b"")) is silenced
