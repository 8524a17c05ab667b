"""What a person sees: a real process on a pseudo-terminal, its bytes drawn on an emulated screen."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")

Run = Callable[..., Any]
DEMO = ("--model", "demo", "--max-tokens", "20", "--quiet")
_SPINNER = re.compile("[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]|looking|reading|loading|answering")


@pytest.fixture
def answer(vlm: Run, picture: str) -> str:
    """The words that the model says about the picture, as a pipe gets them."""
    return " ".join(vlm("ocr", picture, *DEMO, "--prompt", "Describe this picture.").stdout.split())


@pytest.mark.parametrize("columns", [80, 40, 20])
def test_the_answer_and_no_leftovers(on_terminal: Run, picture: str, answer: str, columns: int) -> None:
    loud = [word for word in DEMO if word != "--quiet"]
    shown = on_terminal("ask", picture, "Describe this picture.", *loud, columns=columns)
    assert shown.code == 0
    assert " ".join(" ".join(shown.lines).split()).replace(" ", "").startswith(answer.replace(" ", ""))
    assert not _SPINNER.search(shown.text)
    assert all(len(line) <= columns for line in shown.lines)


def test_words_are_not_broken_in_the_middle(on_terminal: Run, picture: str, answer: str) -> None:
    shown = on_terminal("ask", picture, "Describe this picture.", *DEMO, columns=40)
    assert " ".join(shown.lines).split() == answer.split()


def test_several_pictures_have_headings(on_terminal: Run, pictures: Sequence[str]) -> None:
    shown = on_terminal("describe", *pictures, *DEMO)
    assert [line for line in shown.lines if line.startswith("==>")] == [f"==> {name} <==" for name in pictures]


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_dumb_terminal_gets_no_escape_codes(on_terminal: Run, picture: str, answer: str, term: str) -> None:
    loud = [word for word in DEMO if word != "--quiet"]
    shown = on_terminal("ask", picture, "Describe this picture.", *loud, env={"TERM": term})
    assert shown.code == 0
    assert "\x1b" not in shown.sent
    assert "\r" not in shown.sent.replace("\r\n", "")
    assert " ".join(shown.lines).startswith(answer[:20])


def test_no_color_is_honoured(on_terminal: Run, picture: str) -> None:
    shown = on_terminal("describe", picture, picture, *DEMO, env={"NO_COLOR": "1"})
    assert not re.search(r"\x1b\[[\d;]*3\dm", shown.sent)


@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_json_on_a_terminal_is_json(on_terminal: Run, picture: str, format: str) -> None:
    shown = on_terminal("describe", picture, *DEMO, "--format", format, columns=200, rows=50)
    assert json.loads(shown.sent)["picture"] == picture


def test_a_pipe_beside_a_terminal(on_terminal: Run, picture: str, answer: str) -> None:
    """stdout is a pipe: it gets plain words; stderr is a terminal: it may spin, and is clean in the end."""
    loud = [word for word in DEMO if word != "--quiet"]
    shown = on_terminal("ask", picture, "Describe this picture.", *loud, piped=True)
    assert " ".join(shown.stdout.split()) == answer
    assert "\x1b" not in shown.stdout
    assert not _SPINNER.search(shown.text)


@pytest.mark.parametrize("piped", [True, False], ids=["pipe", "terminal"])
def test_a_spinner_while_one_waits_and_no_trace_of_it(
    on_terminal: Run, picture: str, talker: list[str], piped: bool
) -> None:
    slow = ["--max-tokens", "1500", "--format", "json"]
    shown = on_terminal("ask", picture, "What?", *talker, *slow, piped=piped, columns=100)
    assert shown.code == 0
    assert "⠋" in shown.sent
    assert "answering…" in shown.sent
    assert shown.lines[:1] == ([] if piped else ["{"])


def test_no_question_at_a_terminal_and_a_format_for_scripts(on_terminal: Run, picture: str) -> None:
    shown = on_terminal("ask", picture, *DEMO, "--format", "json")
    assert shown.code == 2
    assert shown.lines[0] == "vlm: There is no question."


def test_a_picture_typed_by_hand(on_terminal: Run) -> None:
    shown = on_terminal("describe", "-", *DEMO)
    assert shown.code == 3
    assert "that is a terminal" in shown.text


def test_an_error_is_one_sentence(on_terminal: Run, picture: str) -> None:
    shown = on_terminal("describe", picture)
    assert shown.code == 4
    assert shown.lines[0] == "vlm: No model was chosen, and none is here."


def test_hostile_words_never_reach_the_terminal(on_terminal: Run, picture: str) -> None:
    questions = ["-q", "\x1b]0;title\x07What?", "-q", "\x1b[2J\x1b[31mWhat?"]
    shown = on_terminal("ask", picture, *questions, *DEMO)
    assert shown.code == 0
    assert "\x1b]" not in shown.sent
    assert "\x1b[2J" not in shown.sent
    assert r"==> a.png: \x1b[2J\x1b[31mWhat? <==" in shown.text


def test_help_fits_a_narrow_terminal(on_terminal: Run) -> None:
    shown = on_terminal("ask", "--help", columns=60, rows=100)
    assert shown.code == 0
    assert "--max-tokens" in shown.text
