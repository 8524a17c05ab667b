"""`vlm describe`, `ocr` and `compare`: their own arguments, and what all of them share."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from vlmcli.tasks import TASKS
from vlmcli.tasks.describe import STYLES

Run = Callable[..., Any]
DEMO = ("--model", "demo", "--max-tokens", "2", "--format", "jsonl")


def records(result: Any) -> list[dict[str, Any]]:
    assert result.code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize("style", STYLES)
def test_describe_sends_the_words_of_its_style(vlm: Run, picture: str, style: str) -> None:
    assert records(vlm("describe", picture, "--style", style, *DEMO))[0]["question"] == STYLES[style]


def test_describe_in_another_language(vlm: Run, picture: str) -> None:
    question = records(vlm("describe", picture, "--lang", "German", *DEMO))[0]["question"]
    assert question == f"{STYLES['short']} Answer in German."


@pytest.mark.parametrize("command", ["describe", "ocr"])
def test_each_picture_is_a_record_of_its_own(vlm: Run, pictures: Sequence[str], command: str) -> None:
    found = records(vlm(command, *pictures, *DEMO))
    assert sorted(record["picture"] for record in found) == list(pictures)
    assert {record["task"] for record in found} == {command}


@pytest.mark.parametrize("strategy", ["native", "stitch"])
def test_compare_is_one_record_of_all_pictures(vlm: Run, pictures: Sequence[str], strategy: str) -> None:
    (record,) = records(vlm("compare", *pictures, "--strategy", strategy, *DEMO))
    assert [p["name"] for p in record["pictures"]] == list(pictures)
    assert record["task"] == "compare"


def test_compare_stitches_into_one_picture(vlm: Run, pictures: Sequence[str]) -> None:
    def image_tokens(strategy: str) -> int:
        return int(records(vlm("compare", *pictures, "--strategy", strategy, *DEMO))[0]["tokens"]["image"])

    assert image_tokens("native") == 3 * image_tokens("stitch")


def test_compare_with_a_question(vlm: Run, pictures: Sequence[str]) -> None:
    (record,) = records(vlm("compare", *pictures, "-q", "Which is brighter?", *DEMO))
    assert record["question"] == "Which is brighter?"


@pytest.mark.parametrize("count", [1, 27])
def test_compare_takes_two_to_26(vlm: Run, picture: str, count: int) -> None:
    result = vlm("compare", *[picture] * count, *DEMO)
    assert (result.code, result.stdout) == (2, "")
    assert "compare takes 2 to 26 pictures" in result.stderr


def test_compare_with_a_picture_that_is_missing_fails(vlm: Run, picture: str) -> None:
    result = vlm("compare", picture, "none.png", "--model", "demo")
    assert (result.code, result.stdout) == (3, "")
    assert "There is no file none.png." in result.stderr


@pytest.mark.parametrize("task", sorted(TASKS))
def test_every_task_is_a_command_with_examples_and_exit_codes(vlm: Run, task: str) -> None:
    result = vlm(task, "--help")
    assert (result.code, result.stderr) == (0, "")
    assert f"vlm {task} " in result.stdout.partition("Examples:")[2]
    assert "Exit codes: 0 all answered" in result.stdout


@pytest.mark.parametrize("command", [["--version"], ["--help"], ["-h"], ["ask", "-h"]])
def test_what_needs_no_model(vlm: Run, command: list[str]) -> None:
    result = vlm(*command)
    assert (result.code, result.stderr) == (0, "")
    assert "vlm" in result.stdout


def test_help_breaks_its_lines_where_the_terminal_ends_and_nowhere_else() -> None:
    from typer.main import get_command

    from vlmcli.cli.app import command_line

    def check(command: Any) -> None:
        paragraphs = (command.help or "").split("\n\n")
        assert all("\n" not in each.strip() for each in paragraphs), command.name
        for below in getattr(command, "commands", {}).values():
            check(below)

    check(get_command(command_line()))


@pytest.mark.parametrize("command", [[], ["ask"], ["describe"], ["ocr"], ["compare"]])
def test_a_command_without_arguments_shows_its_help(vlm: Run, command: list[str]) -> None:
    result = vlm(*command)
    assert result.code == 2
    assert "Usage: vlm" in result.stdout + result.stderr


@pytest.mark.parametrize("command", ["describe", "ocr"])
def test_the_picture_comes_from_a_pipe(vlm: Run, picture: str, command: str) -> None:
    data = Path(picture).read_bytes()
    (record,) = records(vlm(command, "-", *DEMO, stdin=data))
    (named,) = records(vlm(command, picture, *DEMO))
    assert record["picture"] == "-"
    assert record["pictures"][0]["sha256"] == named["pictures"][0]["sha256"]
    assert record["text"] == named["text"]


@pytest.mark.parametrize("command", [["ask", "a.png", "What?"], ["describe", "a.png"], ["ocr", "a.png"]])
def test_an_answer_is_the_same_each_time(vlm: Run, picture: str, command: list[str]) -> None:
    first, second = (vlm(*command, "--model", "demo", "--max-tokens", "12") for _ in range(2))
    assert first == second
    assert first.code == 0


def test_the_second_answer_does_not_depend_on_the_first(vlm: Run, pictures: Sequence[str]) -> None:
    options = ("--model", "demo", "--max-tokens", "12", "--format", "jsonl")
    together = {record["picture"]: record["text"] for record in records(vlm("describe", *pictures, *options))}
    alone = {name: records(vlm("describe", name, *options))[0]["text"] for name in pictures}
    assert together == alone
