"""A conversation as a person has it: typed on a pseudo-terminal, read off its screen."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import PATIENCE_S, _open_terminal

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")

Start = Callable[..., "subprocess.Popen[bytes]"]
_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class Talk:
    """A process on a terminal: `say` types a line, `until` reads until the words are there."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process, self._master = process, master
        self._text = ""

    def say(self, line: str) -> None:
        os.write(self._master, line.encode() + b"\n")

    def press(self, key: bytes) -> None:
        os.write(self._master, key)

    def until(self, words: str) -> str:
        """All that came since the last time, up to and with `words`."""
        deadline = time.monotonic() + PATIENCE_S
        while words not in self._text:
            assert time.monotonic() < deadline, self._text
            self._text += _CODES.sub("", os.read(self._master, 65536).decode(errors="replace"))
        found, self._text = self._text.split(words, 1)
        return found + words


@pytest.fixture
def talk(start_vlm: Start, draw: Callable[..., Path], picture: str) -> Iterator[Callable[..., Talk]]:
    processes: list[subprocess.Popen[bytes]] = []

    def begin(*arguments: str) -> Talk:
        master, slave = _open_terminal(80, 40)
        process = start_vlm("ask", picture, *arguments, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        processes.append(process)
        found = Talk(process, master)
        found.until("Ctrl-D leaves")
        found.until("> ")
        return found

    yield begin
    for process in processes:
        process.kill()
        process.wait()


def test_questions_commands_and_leaving(talk: Callable[..., Talk], tmp_path: Path) -> None:
    person = talk("--model", "demo", "--max-tokens", "20", "--quiet")
    person.say("How many shapes are there?")
    first = person.until("> ")
    assert "shape" in first.removeprefix("How many shapes are there?")
    person.say("/help")
    assert all(name in person.until("> ") for name in ("/image",))
    person.say("/nonsense")
    assert "There is no command /nonsense." in person.until("> ")
    person.say("/image nowhere.png")
    assert "There is no file nowhere.png." in person.until("> ")
    saved = tmp_path / "talk.md"
    person.say(f"/save {saved}")
    person.until("wrote")
    person.until("> ")
    assert "**How many shapes are there?**" in saved.read_text()
    person.say(f"/save {saved}")
    assert "exists already" in person.until("> ")
    person.say("/reset")
    person.until("Afresh")
    person.until("> ")
    person.press(b"\x04")
    assert person.process.wait(timeout=PATIENCE_S) == 0


def test_ctrl_c_stops_the_answer_and_not_the_talk(talk: Callable[..., Talk], talker: list[str]) -> None:
    person = talk(*talker)
    person.say("Talk.")
    person.until("Talk.")
    time.sleep(0.3)  # it speaks for ten seconds
    os.killpg(os.getpgid(person.process.pid), 2)
    person.until("> ")
    person.say("/quit")
    assert person.process.wait(timeout=PATIENCE_S) == 0


def test_without_a_terminal_there_is_no_conversation(vlm: Callable[..., object], picture: str) -> None:
    result = vlm("ask", picture, "--model", "demo", stdin=b"")
    assert result.code == 2  # type: ignore[attr-defined]
    assert "There is no question" in result.stderr  # type: ignore[attr-defined]
