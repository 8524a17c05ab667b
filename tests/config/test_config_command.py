"""`vlm config` and its four commands."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Write = Callable[[str], Path]


def rows(text: str) -> dict[str, tuple[str, str]]:
    """Value and source by key."""
    found = {}
    for line in text.splitlines():
        key, value, source = (part.strip() for part in line.split("  ", 1)[:1] + line.split("  ", 1)[1].rsplit("  ", 1))
        found[key] = (value, source)
    return found


def test_each_value_is_shown_with_its_source(vlm: Run, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write('model = "demo"\n\n[describe]\nmax_tokens = 5\n\n[tasks.product]\nprompt = "Sell it."\n')
    monkeypatch.setenv("VLM_TIMEOUT", "60")
    told = vlm("config")
    assert told.code == 0
    shown = rows(told.stdout)
    assert shown["model"] == ("demo", "file, line 1")
    assert shown["timeout"] == ("60", "env VLM_TIMEOUT")
    assert shown["quiet"] == ("false", "default")
    assert shown["max_tokens"] == ("-", "default")
    assert shown["describe.max_tokens"] == ("5", "file, line 4")
    assert shown["describe.style"] == ("short", "default")
    assert shown["tasks.product.prompt"] == ("Sell it.", "file, line 7")
    assert "ask.max_tokens" not in shown
    assert "\x1b" not in told.stdout
    starts = {line.rindex("  ") for line in told.stdout.splitlines()}
    assert len(starts) == 1  # the sources are one column


def test_a_broken_file_is_told_and_not_shown(vlm: Run, write: Write) -> None:
    write("treads = 1\n")
    told = vlm("config")
    assert (told.code, told.stdout) == (2, "")


def test_set_keeps_all_else(vlm: Run, write: Write) -> None:
    path = write('# mine\nmodel = "demo" # toy\n\n[describe]\nstyle = "alt"\n')
    assert vlm("config", "set", "describe.style", "caption").code == 0
    assert vlm("config", "set", "threads", "2").code == 0
    assert vlm("config", "set", "stats", "on").code == 0
    assert path.read_text() == (
        '# mine\nmodel = "demo" # toy\nthreads = 2\nstats = true\n\n[describe]\nstyle = "caption"\n'
    )
    assert vlm("config", "unset", "stats").code == 0
    assert "stats" not in path.read_text()


def test_set_makes_the_file_and_unset_a_whole_task(vlm: Run, settings_file: Path, asked: Any, picture: str) -> None:
    settings_file.parent.rmdir()
    told = vlm("config", "set", "tasks.product.prompt", "Sell it.")
    assert (told.code, told.stdout) == (0, "")
    assert told.stderr == f'tasks.product.prompt = "Sell it."  ({settings_file})\n'
    assert vlm("config", "set", "tasks.product.help", "Sell a thing.").code == 0
    assert vlm("product", picture).code == 0
    assert vlm("config", "unset", "tasks.product").code == 0
    assert vlm("product", picture).code == 2
    assert settings_file.read_text() == ""


def test_set_keeps_a_link_and_its_permissions(vlm: Run, settings_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "dotfiles.toml"
    target.write_text("threads = 1\n")
    target.chmod(0o640)
    settings_file.symlink_to(target)
    assert vlm("config", "set", "threads", "2").code == 0
    assert settings_file.is_symlink()
    assert target.read_text() == "threads = 2\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert os.listdir(settings_file.parent) == ["config.toml"]


def test_a_model_that_is_a_file_here_is_found_from_anywhere(vlm: Run, settings_file: Path, picture: str) -> None:
    Path("m.gguf").write_bytes(b"")
    assert vlm("config", "set", "model", "m.gguf").code == 0
    assert vlm("config", "set", "ocr.model", "demo").code == 0
    assert settings_file.read_text() == f'model = "{Path("m.gguf").resolve()}"\n\n[ocr]\nmodel = "demo"\n'


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("set", "stile", "alt"), "vlm: There is no setting stile.\n  Did you mean style?"),
        (("set", "describe.stile", "alt"), "  Did you mean describe.style?"),
        (("set", "threads", "many"), "vlm: threads is a whole number from 1… and not 'many'."),
        (("set", "stats", "perhaps"), "vlm: stats is true or false, and not 'perhaps'."),
        (("set", "timeout", "nan"), "vlm: timeout is a number, and not 'nan'."),
        (("set", "temperature", "inf"), "vlm: temperature is a number from 0, and not 'inf'."),
        (("set", "format", "xml"), "vlm: format is one of text, json"),
        (("set", "tasks.ocr.prompt", "x"), "a task cannot be called ocr"),
        (("set", "tasks.new.lang", "x"), "the task new has no prompt."),
        (("set", "tasks.inline.lang", "x"), "vlm: tasks.inline.lang cannot be changed without rewriting more of"),
        (("unset", "threads"), "vlm: threads is not set in"),
        (("unset", "model.name"), "vlm: model.name is not set in"),
    ],
)
def test_what_cannot_be_is_refused_and_the_file_left_alone(
    vlm: Run, write: Write, arguments: tuple[str, ...], says: str
) -> None:
    text = 'model = "demo"\n[tasks]\ninline = { prompt = "x", help = "y" }\n'
    path = write(text)
    told = vlm("config", *arguments)
    assert told.code == 2
    assert all(part in told.stderr for part in says.split("…"))
    assert path.read_text() == text


def test_set_says_that_a_variable_wins(vlm: Run, settings_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLM_MODEL", "demo")
    told = vlm("config", "set", "model", "other")
    assert told.stderr.endswith("vlm: VLM_MODEL is set in the environment and wins over it\n")


def test_path(vlm: Run, settings_file: Path) -> None:
    assert vlm("config", "path").stdout == f"{settings_file}\n"


def test_edit(vlm: Run, settings_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor = tmp_path / "my editor"
    editor.write_text('#!/bin/sh\necho "$1" >> "$2"\n')
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", f"'{editor}' 'threads = 2'")
    assert vlm("config", "edit").code == 0
    assert settings_file.read_text().endswith("\nthreads = 2\n")
    assert rows(vlm("config").stdout)["threads"][0] == "1"  # the tests' VLM_THREADS
    monkeypatch.setenv("VISUAL", f"'{editor}' nonsense=")
    told = vlm("config", "edit")
    assert (told.code, str(settings_file) in told.stderr) == (2, True)
    monkeypatch.setenv("VISUAL", "no-such-editor")
    assert vlm("config", "edit").stderr.startswith("vlm: The editor no-such-editor does not start: No such file")


def test_a_place_that_cannot_be_written(vlm: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VLM_CONFIG", str(tmp_path / "file" / "config.toml"))
    told = vlm("config", "set", "model", "demo")
    assert told.code == 7
    assert told.stderr.startswith(f"vlm: The settings in {tmp_path}/file/config.toml cannot be written: ")
    assert told.stderr.endswith(f"{tmp_path}/file is a file, and no folder.\n  Another file: export VLM_CONFIG=FILE\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("config", "set", "model", "demo"),
        ("config", "unset", "model"),
        ("models", "default", "demo"),
        ("models", "alias", "toy", "demo"),
        ("models", "alias", "toy", "--remove"),
    ],
)
def test_a_pipe_is_never_replaced_by_a_file(vlm: Run, settings_file: Path, arguments: tuple[str, ...]) -> None:
    os.mkfifo(settings_file)
    told = vlm(*arguments)
    assert told.code == 7
    assert "cannot be written: it is a device or a pipe, and no file.\n  Another file: export VLM" in told.stderr
    assert stat.S_ISFIFO(settings_file.stat().st_mode)
