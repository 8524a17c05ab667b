"""A shell's question, asked of the real `main()` or by the shell itself."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vlmcli.cli import main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with pictures, models, and things that are neither."""
    folder = tmp_path / "here"
    for name in ("a.png", "B.JPG", "my photo.jpg", "it's $(x) `y`.webp", ".hidden.png", "notes.txt", "tiny.gguf"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    for name in ("holiday/sea.heic", "holiday/list.csv", "models/mmproj-tiny.gguf", "two\nlines.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., list[str]]:
    """`complete("vlm describe --style ca")`: the words offered to bash for the last one; or to `shell`, with help."""

    def run(line: str, shell: str = "bash") -> list[str]:
        words = re.split(r"(?<!\\) ", line)
        monkeypatch.setenv("_VLM_COMPLETE", f"complete_{shell}")
        monkeypatch.setenv("COMP_WORDS", "\n".join(words))
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([])
        out, err = capfd.readouterr()
        monkeypatch.delenv("_VLM_COMPLETE")
        assert (ended.value.code, err) == (0, "")
        return out.splitlines()

    return run


@pytest.fixture
def program(tmp_path: Path) -> str:
    """A folder for PATH in which `vlm` is this tree's."""
    folder = tmp_path / "bin"
    folder.mkdir()
    vlm = folder / "vlm"
    vlm.write_text(
        f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {shlex.quote(sys.executable)} -m vlmcli "$@"\n'
    )
    vlm.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"
