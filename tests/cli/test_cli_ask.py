"""`vlm ask`: which arguments are pictures and which is the question."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
DEMO = ("--model", "demo", "--max-tokens", "2", "--format", "jsonl")


@pytest.fixture
def asked(vlm: Run) -> Callable[..., list[tuple[list[str], str]]]:
    """(pictures, question) of each record of a command that answers everything."""

    def run(*arguments: str, **options: Any) -> list[tuple[list[str], str]]:
        result = vlm("ask", *arguments, *DEMO, **options)
        assert result.code == 0, result.stderr
        records = [json.loads(line) for line in result.stdout.splitlines()]
        return [([p["name"] for p in record["pictures"]], record["question"]) for record in records]

    return run


def test_the_last_argument_is_the_question(asked: Run, pictures: Sequence[str]) -> None:
    assert sorted(asked("a.png", "b.png", "What is it?")) == [(["a.png"], "What is it?"), (["b.png"], "What is it?")]


@pytest.mark.parametrize("question", ["What?", "why", "What is v1.5 of it?", "one/two or three.png?", "file.toolong"])
def test_words_that_are_no_picture_are_a_question(asked: Run, picture: str, question: str) -> None:
    assert asked(picture, question) == [([picture], question)]


def test_an_existing_file_as_last_is_a_picture_whatever_its_name(vlm: Run, picture: str, draw: Run) -> None:
    draw("question.png").rename("What is this?")
    result = vlm("ask", picture, "What is this?", *DEMO)
    assert (result.code, result.stdout) == (2, "")
    assert "There is no question" in result.stderr


@pytest.mark.parametrize("name", ["cat.jpg", "folder/cat", "cat.jpeg", "./cat"])
@pytest.mark.parametrize("before", [[], ["a.png"]])
@pytest.mark.parametrize("stdin", [b"", None], ids=["pipe", "terminal"])
def test_a_mistyped_picture_is_never_a_question(
    vlm: Run, picture: str, name: str, before: list[str], stdin: bytes | None
) -> None:
    result = vlm("ask", *before, name, *DEMO, stdin=stdin)
    assert (result.code, result.stdout) == (3, "")
    assert f"There is no file {name}." in result.stderr


def test_each_question_is_asked_of_each_picture(asked: Run, pictures: Sequence[str]) -> None:
    expected = [([name], question) for name in pictures for question in ("One?", "Two?")]
    assert sorted(asked(*pictures, "-q", "One?", "--question", "Two?")) == expected


def test_several_questions_cannot_have_one_wording(vlm: Run, picture: str, tmp_path: Path) -> None:
    lines = [json.dumps({"picture": picture, "question": question}) for question in ("One?", "Two?")]
    (tmp_path / "list.jsonl").write_text("\n".join(lines))
    for questions in ([picture, "-q", "One?", "-q", "Two?"], ["--from-jsonl", "list.jsonl"]):
        result = vlm("ask", *questions, "--prompt", "My own words.", *DEMO)
        assert (result.code, result.stdout) == (2, "")
        assert result.stderr.startswith("vlm: --prompt takes the place of the question, and here are several.")


def test_with_q_the_last_argument_is_a_picture(vlm: Run, picture: str) -> None:
    result = vlm("ask", picture, "why", "-q", "What?", *DEMO)
    assert result.code == 1
    assert "There is no file why." in result.stderr


def test_together_puts_all_pictures_into_one_question(asked: Run, pictures: Sequence[str]) -> None:
    assert asked(*pictures, "What changed?", "--together") == [(list(pictures), "What changed?")]


@pytest.mark.parametrize(
    "option", [["--dry-run"], ["--retry-failed"], ["--sidecar", ".txt"], ["--prefix", "a"], ["--suffix", "z"]]
)
def test_together_there_is_no_answer_for_each(vlm: Run, pictures: Sequence[str], option: list[str]) -> None:
    result = vlm("ask", *pictures, "What?", "--together", "-o", "x.txt", *option, *DEMO)
    assert (result.code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"vlm: {option[0]} is about an answer for each picture")


def test_together_costs_the_tokens_of_all_pictures(vlm: Run, pictures: Sequence[str]) -> None:
    alone = json.loads(vlm("ask", "a.png", "What?", *DEMO).stdout)["tokens"]["image"]
    together = json.loads(vlm("ask", *pictures, "What?", "--together", *DEMO).stdout)["tokens"]["image"]
    assert alone > 0
    assert together == 3 * alone


def test_the_question_comes_from_a_pipe(asked: Run, picture: str) -> None:
    assert asked(picture, stdin="Wie heißt das?\n".encode()) == [([picture], "Wie heißt das?")]


def test_a_question_from_a_pipe_keeps_its_lines(asked: Run, picture: str) -> None:
    assert asked(picture, stdin=b"First.\nSecond?\n\n") == [([picture], "First.\nSecond?")]


def test_a_piped_question_is_not_read_when_there_is_one(asked: Run, picture: str) -> None:
    assert asked(picture, "This one?", stdin=b"Not this one?") == [([picture], "This one?")]


def test_the_picture_comes_from_a_pipe(asked: Run, picture: str) -> None:
    assert asked("-", "What?", stdin=Path(picture).read_bytes()) == [(["-"], "What?")]


def test_prompt_replaces_the_question(asked: Run, picture: str) -> None:
    assert asked(picture, "--prompt", "My own words.") == [([picture], "My own words.")]


@pytest.mark.parametrize(
    ("arguments", "stdin", "sentence"),
    [
        (["-"], b"some bytes", "The picture comes from standard input, so the question cannot."),
        (["a.png"], None, "There is no question."),
        (["a.png"], b" \n", "There is no question: standard input is empty."),
        (["a.png", ""], b"", "The question is empty."),
        (["a.png", " \t"], b"", "The question is empty."),
        (["a.png", "-q", ""], b"", "The question is empty."),
        (["What is this?"], b"", "There is a question but no picture."),
        (["-", "-", "What?"], b"bytes", "Standard input (-) is named twice"),
    ],
)
def test_usage(vlm: Run, picture: str, arguments: list[str], stdin: bytes | None, sentence: str) -> None:
    result = vlm("ask", *arguments, "--model", "demo", stdin=stdin)
    assert (result.code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"vlm: {sentence}")
    assert "\n  " in result.stderr  # a hint


def test_a_picture_named_like_an_option(vlm: Run, picture: str) -> None:
    Path(picture).rename("-v.png")
    result = vlm("ask", *DEMO, "--", "-v.png", "--what is it?")
    assert result.code == 0, result.stderr
    record = json.loads(result.stdout)
    assert (record["picture"], record["question"]) == ("-v.png", "--what is it?")
