"""The options about pictures as a user types them, to the end: the real `main()` and the model in the box."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

Run = Callable[..., Any]
DEMO = ("--model", "demo", "--max-tokens", "1", "--format", "jsonl")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    os.makedirs("h/sub")
    for name, colour in (("h/a.png", "red"), ("h/sub/b.png", "blue"), ("c.png", "green")):
        Image.new("RGB", (32, 32), colour).save(name)
    (tmp_path / "h" / "notes.txt").write_text("no picture")
    return tmp_path


@pytest.fixture
def answered(vlm: Run) -> Callable[..., list[tuple[str, str]]]:
    """(picture, question) of each record of a command that answers everything, sorted."""

    def run(*arguments: str, **options: Any) -> list[tuple[str, str]]:
        result = vlm(*arguments, *DEMO, **options)
        assert result.code == 0, result.stderr
        records = [json.loads(line) for line in result.stdout.splitlines()]
        return sorted((record["picture"], record["question"]) for record in records)

    return run


def test_a_folder_a_pattern_and_a_list(answered: Run, folder: Path) -> None:
    names = answered("ask", "-r", "h", "[c].png", "--from-file", "-", "-0", "-q", "What?", stdin=b"c.png\0h/sub\0")
    assert [name for name, _ in names] == ["c.png", "c.png", "h/a.png", "h/sub/b.png", "h/sub/b.png"]


def test_a_question_alone_about_a_list(answered: Run, folder: Path) -> None:
    (folder / "list").write_text("c.png\n")
    assert answered("ask", "--from-file", "list", "What?") == [("c.png", "What?")]


def test_a_question_for_each_picture(answered: Run, folder: Path) -> None:
    (folder / "h" / "q.jsonl").write_text(
        '{"picture": "a.png", "question": "One?"}\n{"image": "../c.png", "question": "Two?"}\n'
    )
    assert answered("ask", "--from-jsonl", "h/q.jsonl") == [("h/../c.png", "Two?"), ("h/a.png", "One?")]


@pytest.mark.parametrize("where", [("-o", "x.csv"), ("--sidecar", ".txt")], ids=["file", "sidecars"])
def test_a_folder_is_taken_where_many_answers_have_their_place(vlm: Run, folder: Path, where: tuple[str, str]) -> None:
    result = vlm("describe", "h", *where, *DEMO[:4])
    assert result.code == 0, result.stderr
    assert vlm("describe", "h/", *where, "--dry-run", *DEMO[:4]).stderr == "vlm: 0 to do, 1 done, 0 failed\n"
    assert vlm("describe", "h/", "-r", *where, "--dry-run", *DEMO[:4]).stdout == "h/sub/b.png\n"


@pytest.mark.parametrize(("option", "expected"), [([], ["h/a.png"]), (["-r"], ["h/a.png", "h/sub/b.png"])])
def test_a_folder_in_a_list_is_taken_as_one_that_is_typed(
    vlm: Run, folder: Path, option: list[str], expected: list[str]
) -> None:
    (folder / "list").write_text("h\nc.png\n")
    result = vlm("describe", "--from-file", "list", *option, "-o", "x.jsonl", *DEMO[:4])
    assert result.code == 0, result.stderr
    records = map(json.loads, (folder / "x.jsonl").read_text().splitlines())
    assert [record["picture"] for record in records] == [*expected, "c.png"]


def test_a_question_about_a_folder_can_come_from_a_pipe(vlm: Run, folder: Path) -> None:
    assert vlm("ask", "h", "-o", "x.jsonl", *DEMO[:4], stdin=b"What?").code == 0
    (record,) = map(json.loads, (folder / "x.jsonl").read_text().splitlines())
    assert (record["picture"], record["question"]) == ("h/a.png", "What?")


@pytest.mark.parametrize("command", [("describe", "h"), ("ask", "h", "Is it red?"), ("compare", "h/sub", "h")])
def test_a_folder_that_is_refused_comes_with_the_line_to_type(vlm: Run, folder: Path, command: tuple[str, ...]) -> None:
    hint = vlm(*command, *DEMO).stderr.splitlines()[1]
    line = shlex.split(hint.removeprefix("  Take the pictures in it: "))
    assert line == ["vlm", command[0], "-r", *command[1:], *DEMO]
    assert vlm(*line[1:]).code == 0


def test_comparing_a_folder(vlm: Run, folder: Path) -> None:
    result = vlm("compare", "-r", "h", *DEMO)
    assert result.code == 0, result.stderr
    assert [p["name"] for p in json.loads(result.stdout)["pictures"]] == ["h/a.png", "h/sub/b.png"]


def test_a_bad_one_among_good_ones_is_a_record(vlm: Run, folder: Path) -> None:
    result = vlm("describe", "c.png", "*.gif", *DEMO)
    assert result.code == 1
    (error,) = [record["error"] for record in map(json.loads, result.stdout.splitlines()) if record["error"]]
    assert error["message"] == "No file matches *.gif."


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["describe", "h"], 3, "h is a folder, not a picture."),
        (["describe", "*.gif"], 3, "No file matches *.gif."),
        (["describe"], 2, "Missing argument 'PICTURE…'."),
        (["describe", "c.png", "--frame", "2"], 3, "c.png has one frame, and no frame 2."),
        (["describe", "c.png#page=4"], 3, "c.png has one frame, and no frame 4."),
        (["describe", "http://127.0.0.1/a.png"], 3, "http://127.0.0.1/a.png is at 127.0.0.1, an address of the local"),
        (["describe", "--from-file", "gone"], 2, "--from-file gone cannot be read: No such file or directory."),
        (["describe", "c.png", "-0"], 2, "--null is about a list, and there is none."),
        (["compare", "c.png", "*.gif"], 3, "No file matches *.gif."),
        (["compare", "-r", "h/sub"], 2, "compare takes 2 to"),
        (["ask", "What?"], 2, "There is a question but no picture."),
        (["ask", "--from-file", "-"], 2, "The list comes from standard input, so the question cannot."),
        (["ask", "--from-jsonl", "h/notes.txt"], 2, "h/notes.txt, line 1, is not JSON."),
        (["ask", "--from-jsonl", "q.jsonl", "c.png"], 2, "--from-jsonl names the pictures and the questions itself."),
    ],
)
def test_sentences(vlm: Run, folder: Path, arguments: list[str], code: int, sentence: str) -> None:
    result = vlm(*arguments, "--model", "demo", stdin=b"c.png\n")
    assert (result.code, result.stdout) == (code, "")
    assert result.stderr.startswith(f"vlm: {sentence}")
    assert "\n  " in result.stderr  # a hint
