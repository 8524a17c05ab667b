"""Every exit code of the table: its sentence and its hint on stderr, and nothing on stdout."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def assert_error(result: Any, code: int, sentence: str, hint: str = "") -> None:
    """One `vlm: sentence`, its hint indented under it, and not a word more."""
    assert result.code == code, result.stderr
    assert result.stdout == ""
    first, *rest = result.stderr.splitlines()
    assert first.startswith("vlm: ")
    assert sentence in first
    assert all(line.startswith("  ") for line in rest), rest
    assert hint in "\n".join(rest)
    assert "Traceback" not in result.stderr


def test_0_when_all_is_answered(ask_demo: Run) -> None:
    result = ask_demo("--quiet")
    assert (result.code, result.stderr) == (0, "")
    assert result.stdout.endswith("\n")


def test_1_when_some_pictures_fail_and_the_others_are_answered(vlm: Run, pictures: Sequence[str]) -> None:
    Path("bad.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    result = vlm("describe", "a.png", "bad.png", "gone.png", "b.png", "--model", "demo", "--max-tokens", "2", "--quiet")
    assert result.code == 1
    assert "==> a.png <==" in result.stdout
    assert "==> b.png <==" in result.stdout
    assert "bad.png" not in result.stdout
    assert "bad.png is a damaged PNG picture" in result.stderr
    assert "There is no file gone.png." in result.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence", "hint"),
    [
        (["ask", "a.png", "What?", "--nonsense"], "--nonsense", "--help"),
        (["ask", "a.png", "-q"], "Option '-q' requires an argument.", "vlm ask --help"),
        (["nonsense"], "nonsense", "--help"),
        (["desribe", "a.png"], "No such command 'desribe'. Did you mean 'describe'?", "vlm describe --help"),
        (["a.png"], "No such command 'a.png'.", "vlm describe a.png"),
        (["gone.png"], "No such command 'gone.png'.", "vlm --help"),
        (["describe", "a.png", "--style", "loud"], "--style", "vlm describe --help"),
        (["describe", "a.png", "--max-tokens", "0"], "--max-tokens", "vlm describe --help"),
        (["describe", "a.png", "--max-tokens", "many"], "--max-tokens", "vlm describe --help"),
        (["describe", "a.png", "--temperature", "-1"], "--temperature", "vlm describe --help"),
        (["describe", "a.png", "--temperature", "nan"], "--temperature", "vlm describe --help"),
        (
            ["describe", "a.png", "--temperature", "inf"],
            "--temperature is inf, and it takes a number from 0.",
            "--temperature 0.7",
        ),
        (["describe", "a.png", "--top-p", "1.5"], "--top-p", "vlm describe --help"),
        (["describe", "a.png", "--threads", "0"], "--threads", "vlm describe --help"),
        (["describe", "a.png", "--format", "xml"], "--format", "vlm describe --help"),
        (["describe", "a.png", "--timeout", "0", "--model", "demo"], "--timeout", "--timeout 60"),
        (["describe", "a.png", "--timeout", "nan", "--model", "demo"], "--timeout", "--timeout 60"),
    ],
)
def test_2_usage(vlm: Run, picture: str, arguments: list[str], sentence: str, hint: str) -> None:
    assert_error(vlm(*arguments), 2, sentence, hint)


@pytest.mark.parametrize(("name", "value"), [("VLM_THREADS", "two"), ("VLM_EXTRA_BUFFERS", "perhaps")])
def test_2_a_variable_that_makes_no_sense(
    ask_demo: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert_error(ask_demo(), 2, name)


@pytest.mark.parametrize(
    ("name", "sentence", "hint"),
    [
        ("none.png", "There is no file none.png.", "ls ."),
        ("A.png", "There is no file A.png.", "Did you mean a.png?"),
        (".", ". is a folder, not a picture.", "pictures in it"),
        ("empty.png", "empty.png is empty", "again"),
        ("text.png", "text.png", ""),
        ("cut.png", "cut.png is a damaged PNG picture: it ends too early", "again"),
        ("/dev/zero", "/dev/zero is a device, not a picture.", "standard input"),
        ("https://example.com/a.png", "https://example.com/a.png", ""),
        ("ftp://example.com/a.png", "ftp", ""),
        ("", "The name of the picture is empty.", "echo"),
    ],
)
def test_3_no_picture_could_be_read(vlm: Run, picture: str, name: str, sentence: str, hint: str) -> None:
    Path("empty.png").touch()
    Path("text.png").write_text("A letter to a friend.\n" * 20)
    Path("cut.png").write_bytes(Path(picture).read_bytes()[:-100])
    assert_error(vlm("describe", name, "--model", "demo"), 3, sentence, hint)


def test_3_all_of_several(vlm: Run, picture: str) -> None:
    result = vlm("describe", "none.png", "nowhere.png", "--model", "demo")
    assert (result.code, result.stdout) == (3, "")
    assert "none.png" in result.stderr
    assert "nowhere.png" in result.stderr


def test_1_a_url_among_files_is_not_called_a_missing_file(vlm: Run, picture: str) -> None:
    arguments = ["describe", picture, "https://example.com/b.png", "--model", "demo", "--max-tokens", "2", "--quiet"]
    result = vlm(*arguments)
    assert result.code == 1
    assert "==> a.png <==" in result.stdout
    assert "https://example.com/b.png" in result.stderr
    assert "There is no" not in result.stderr


def test_3_an_empty_pipe(vlm: Run) -> None:
    assert_error(vlm("describe", "-", "--model", "demo"), 3, "Standard input was empty")


def test_3_standard_input_is_a_terminal(vlm: Run) -> None:
    assert_error(vlm("describe", "-", "--model", "demo", stdin=None), 3, "that is a terminal", "cat photo.jpg | vlm")


def test_4_no_model_was_chosen(vlm: Run, picture: str) -> None:
    assert_error(vlm("ask", picture, "What?"), 4, "No model was chosen, and none is here.", "--model demo")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("x" * 300 + ".gguf", ".gguf cannot be read: File name too long."),
        ("x" * 300, "There is no model named"),
        ("loop/x.gguf", "loop/x.gguf cannot be read: Too many levels of symbolic links."),
        ("a.png/x.gguf", "There is no file a.png/x.gguf."),
        ("~nobody-of-this-name/x.gguf", "There is no file ~nobody-of-this-name/x.gguf."),
    ],
)
def test_4_a_model_that_the_system_does_not_hand_over(vlm: Run, picture: str, name: str, sentence: str) -> None:
    os.symlink("loop", "loop")
    assert_error(vlm("ask", picture, "What?", "--model", name), 4, sentence)


def test_5_what_does_not_fit_is_refused_with_the_numbers(vlm: Run, picture: str) -> None:
    result = vlm("ask", picture, "word " * 3000, "--model", "demo")
    assert_error(result, 5, "this model's context holds 2048.", "shorten the question")


def test_5_too_many_pictures_at_once(vlm: Run, picture: str) -> None:
    result = vlm("ask", *[picture] * 20, "What?", "--together", "--model", "demo")
    assert_error(result, 5, "this model's context holds 2048.", "fewer pictures")


def test_5_is_that_picture_s_alone(vlm: Run, picture: str) -> None:
    arguments = ["-q", "word " * 3000, "-q", "What?", "--model", "demo", "--max-tokens", "2", "--quiet"]
    result = vlm("ask", picture, *arguments)
    assert result.code == 1
    assert "==> a.png: What? <==" in result.stdout
    assert "context holds 2048" in result.stderr


@pytest.mark.parametrize(
    ("output", "sentence"),
    [("none/answer.txt", "no such file or directory"), (".", "is a directory"), ("a.png/answer", "not a directory")],
)
def test_7_no_place_for_the_answer(ask_demo: Run, output: str, sentence: str) -> None:
    assert_error(ask_demo("--output", output), 7, sentence)


def test_7_is_found_before_the_model_is_opened(vlm: Run, picture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def open_engine(*_arguments: object) -> None:
        raise AssertionError("the engine was opened")

    monkeypatch.setattr("vlmcli.backend.ENGINES", {"llama": open_engine})
    assert vlm("describe", picture, "--model", "demo", "-o", "none/a.txt").code == 7


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_7_no_permission(ask_demo: Run, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    assert_error(ask_demo("-o", "locked/a.txt"), 7, "permission denied")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "/a/file"), "/a/file cannot be used: permission denied."),
        (OSError(errno.EMFILE, "Too many open files"), "The system refuses something: too many open files."),
    ],
)
def test_7_an_error_of_the_system_is_not_laid_at_the_door_of_stdout(
    ask_demo: Run, monkeypatch: pytest.MonkeyPatch, error: OSError, sentence: str
) -> None:
    def broken(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr("vlmcli.backend.ENGINES", {"llama": broken})
    assert_error(ask_demo(), 7, sentence)


def test_a_bug_is_not_dressed_up_as_an_error_of_the_user(ask_demo: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("vlmcli.backend.ENGINES", {"llama": broken})
    with pytest.raises(ZeroDivisionError):
        ask_demo()
