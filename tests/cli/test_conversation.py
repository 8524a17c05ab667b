"""A conversation as a person has it: typed on a pseudo-terminal, read off its screen."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import PATIENCE_S, Shown, _open_terminal
from vlmcli.errors import EXIT_PICTURE

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")

Start = Callable[..., "subprocess.Popen[bytes]"]
_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class Talk:
    """A process on a terminal: `say` types a line, `until` reads until the words are there."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process, self._master = process, master
        self._text = self.sent = ""

    def say(self, line: str) -> None:
        os.write(self._master, line.encode() + b"\n")

    def press(self, key: bytes) -> None:
        os.write(self._master, key)

    def until(self, words: str) -> str:
        """All that came since the last time, up to and with `words`."""
        deadline = time.monotonic() + PATIENCE_S
        while words not in self._text:
            assert time.monotonic() < deadline, self._text
            received = os.read(self._master, 65536).decode(errors="replace")
            self.sent += received
            self._text += _CODES.sub("", received)
        found, self._text = self._text.split(words, 1)
        return found + words


@pytest.fixture
def talk(start_vlm: Start, draw: Callable[..., Path], picture: str) -> Iterator[Callable[..., Talk]]:
    processes: list[subprocess.Popen[bytes]] = []

    def begin(*arguments: str, **options: object) -> Talk:
        master, slave = _open_terminal(80, 40)
        streams = {"stdin": slave, "stdout": slave, "stderr": slave}
        process = start_vlm("ask", picture, *arguments, **streams, start_new_session=True, **options)
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


def test_pictures_that_are_named_later_are_those_that_were_typed(
    talk: Callable[..., Talk], draw: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "list").write_text(f"{draw('listed.png').name}\n")
    draw("b.png"), draw("c.png")
    person = talk("--from-file", "list", "--limit", "2", "--model", "demo")
    person.say("/image b.png")
    assert "Now about b.png." in person.until("> ")
    person.say("/add c.png")
    assert "Now about b.png, c.png." in person.until("> ")
    person.say("/add")
    assert "/add takes the name of a picture." in person.until("> ")


def test_what_is_no_picture_changes_nothing(talk: Callable[..., Talk], tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("words")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "b.png").write_bytes((tmp_path / "a.png").read_bytes())
    person = talk("--model", "demo")
    person.say("How many shapes are there?")
    person.until("> ")
    for command in ("/image text.jpg", "/add text.jpg"):
        person.say(command)
        assert "text.jpg is not a picture" in person.until("> ")
    person.say("/image folder")
    assert "Take the pictures in it: /image folder/*" in person.until("> ")
    person.say("/save talk.md")
    person.until("wrote")
    saved = (tmp_path / "talk.md").read_text()
    assert saved.startswith("# a.png\n")
    assert "**How many shapes are there?**" in saved
    person.say("/image folder/*")
    person.until("Now about folder/b.png.")


def test_a_talk_about_what_is_no_picture_does_not_begin(on_terminal: Callable[..., Shown], tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("words")
    shown = on_terminal("ask", "text.jpg", "--model", "demo")
    assert shown.code == EXIT_PICTURE
    assert "text.jpg is not a picture" in shown.text


def test_a_talk_is_saved_whole_or_not_at_all(talk: Callable[..., Talk], tmp_path: Path) -> None:
    person = talk("--model", "demo", preexec_fn=_fill_the_disk)
    for name, reason in (("~nobody-of-that-name/talk.md", "no such file or directory"), ("talk.md", "file too large")):
        for _ in range(2):
            person.say(f"/save {name}")
            assert f"Cannot write {name}: {reason}." in person.until("> ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png"]


def _fill_the_disk() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1))


def test_what_the_model_forgot_is_saved_and_a_question_too_long_forgets_nothing(
    talk: Callable[..., Talk], tmp_path: Path
) -> None:
    person = talk("--model", "demo", "--max-tokens", "4")
    for question in ("Is it red? " * 250).strip(), ("Is it blue? " * 250).strip():
        person.press(b"\x1b[200~" + question.encode() + b"\x1b[201~\n")
        shown = person.until("> ")
    assert "The context is full" in shown
    person.press(b"\x1b[200~" + b"Is it green? " * 900 + b"\x1b[201~\n")
    shown = person.until("> ")
    assert "The pictures and the question take" in shown
    assert "The context is full" not in shown
    person.say("/save talk.md")
    person.until("wrote")
    saved = (tmp_path / "talk.md").read_text()
    assert all(f"**{word}" in saved for word in ("Is it red?", "Is it blue?"))


def test_lines_that_are_pasted_together_are_one_question(talk: Callable[..., Talk], tmp_path: Path) -> None:
    import readline

    if "GNU" not in str(readline.__doc__) or readline._READLINE_LIBRARY_VERSION < "8":
        pytest.skip("an old readline")
    person = talk("--model", "demo", "--max-tokens", "4")
    assert "\x1b[?2004h> " in person.sent  # from here on a terminal marks what is pasted
    person.press(b"\x1b[200~How many shapes\rare there?\r\x1b[201~")
    person.press(b"\n")
    person.until("> ")
    person.say("/save talk.md")
    person.until("wrote")
    assert "**How many shapes\nare there?**" in (tmp_path / "talk.md").read_text()


def test_without_a_terminal_there_is_no_conversation(vlm: Callable[..., object], picture: str) -> None:
    result = vlm("ask", picture, "--model", "demo", stdin=b"")
    assert result.code == 2  # type: ignore[attr-defined]
    assert "There is no question" in result.stderr  # type: ignore[attr-defined]
