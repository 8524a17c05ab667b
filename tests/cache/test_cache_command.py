"""`vlm cache`"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cache.conftest import key
from vlmcli.cache import Store, find_limits

Run = Callable[..., Any]
ELSEWHERE = "  Another place: export VLM_CACHE_DIR=FOLDER\n"


@pytest.fixture
def full(cache_dir: Path) -> Store:
    """Two entries of the model demo, used twice, and one of another, of two days ago."""
    store = Store(cache_dir, find_limits())
    store.put("rows", key("a"), bytes(10_000), label="demo")
    store.put("rows", key("b"), bytes(10_000), label="demo")
    store.put("kv", key("a"), bytes(2_000_000), label="la\x1b[31mva")
    for _ in range(2):
        store.get("rows", key("a"))
    then = time.time() - 2 * 86400 - 5
    for path in cache_dir.glob("kv/*/*"):
        os.utime(path, (then, then))
    return store


def test_in_a_pipe(vlm: Run, full: Store) -> None:
    result = vlm("cache")
    assert result.code == 0
    rows, kv = (line.split("\t") for line in result.stdout.splitlines())
    assert rows[:5] == ["rows", "demo", "2", str(2 * 12288), "2"]
    assert kv[:1] == ["kv"]
    assert kv[2:5] == ["1", "2002944", "0"]
    assert "\x1b" not in result.stdout
    assert rows[5].startswith(time.strftime("%Y-%m-", time.gmtime()))
    assert result.stderr == ""


def test_for_a_person(vlm: Run, full: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("vlmcli.output", "vlmcli.output.table"):
        monkeypatch.setattr(f"{place}.is_terminal", lambda stream: stream is sys.stdout)
    lines = vlm("cache").stdout.splitlines()
    assert lines[0] == f"{full.root}: 2.0 MB of at most 8.3 GB"
    assert lines[2].split() == ["kind", "model", "entries", "size", "hits", "last", "used"]
    assert lines[3].split() == ["rows", "demo", "2", "24.6", "KB", "2", "just", "now"]
    assert lines[4].endswith("2.0 MB     0  2 days ago")


def test_nothing_there(vlm: Run, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert vlm("cache") == (0, "", "")
    assert vlm("cache", "clear") == (0, "Removed 0 entries: 0 B.\n", "")
    monkeypatch.setattr("vlmcli.output.is_terminal", lambda stream: True)
    assert vlm("cache").stdout == f"{cache_dir}: 0 B of at most 8.3 GB\n"
    assert not cache_dir.exists()


def test_clear(vlm: Run, full: Store) -> None:
    assert vlm("cache", "clear", "--older-than", "3d").stdout == "Removed 0 entries: 0 B.\n"
    assert vlm("cache", "clear", "--older-than", "47h", "--kind", "rows").stdout == "Removed 0 entries: 0 B.\n"
    assert vlm("cache", "clear", "--older-than", "47h").stdout == "Removed 1 entry: 2.0 MB.\n"
    assert vlm("cache", "clear", "--kind", "kv").stdout == "Removed 0 entries: 0 B.\n"
    assert vlm("cache", "clear").stdout == "Removed 2 entries: 24.6 KB.\n"
    assert full.usage() == []


@pytest.mark.parametrize("age", ["30", "d", "3y", "-1d", "nand", "", "infd"])
def test_no_age(vlm: Run, full: Store, age: str) -> None:
    result = vlm("cache", "clear", f"--older-than={age}")
    assert result.code == 2
    assert "vlm cache clear --older-than 30d" in result.stderr
    assert len(full.usage()) == 2


def test_no_kind(vlm: Run, full: Store) -> None:
    assert vlm("cache", "clear", "--kind", "pictures").code == 2
    assert len(full.usage()) == 2


def test_off_and_on(vlm: Run, full: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("VLM_CACHE")
    off = vlm("cache", "off")
    assert (off.code, off.stdout) == (0, "")
    assert str(tmp_path) in off.stderr
    shown = vlm("cache")
    assert len(shown.stdout.splitlines()) == 2, "what is there is still shown"
    assert shown.stderr == "vlm: The cache is off.\n  vlm cache on\n"
    assert vlm("cache", "on").stderr == "The cache is on.\n"
    assert vlm("cache").stderr == ""
    monkeypatch.setenv("VLM_CACHE", "off")
    assert "unset VLM_CACHE" in vlm("cache").stderr
    assert "wins over it" in vlm("cache", "on").stderr


def test_off_where_nothing_can_be_written(vlm: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    result = vlm("cache", "off")
    assert result.code == 7
    assert "export VLM_CACHE=off" in result.stderr


def test_path(vlm: Run, cache_dir: Path) -> None:
    assert vlm("cache", "path") == (0, f"{cache_dir}\n", "")


def test_a_file_in_its_place(vlm: Run, cache_dir: Path) -> None:
    cache_dir.write_text("mine")
    for command in (["cache"], ["cache", "clear"]):
        told = vlm(*command)
        assert told.code == 2
        assert told.stderr == f"vlm: {cache_dir} is no folder: nothing is kept.\n{ELSEWHERE}"
    assert cache_dir.read_text() == "mine"


def test_what_cannot_be_removed_is_not_called_removed(vlm: Run, full: Store) -> None:
    stuck = full.root / "rows" / key("c")[:2] / key("c")
    (stuck / "in").mkdir(parents=True)
    result = vlm("cache", "clear")
    assert (result.code, result.stdout) == (7, "Removed 3 entries: 2.0 MB.\n")
    assert result.stderr.startswith("vlm: 1 entry could not be removed: ")
    assert result.stderr.endswith(f"  See who may write in {full.root}\n")


def test_what_cannot_be_looked_at_is_not_called_empty(vlm: Run, cache_dir: Path) -> None:
    cache_dir.mkdir()
    (cache_dir / "kv").write_text("mine")
    for command in (["cache"], ["cache", "clear"]):
        told = vlm(*command)
        assert told.code == 7
        assert told.stderr == f"vlm: {cache_dir}/kv cannot be read: Not a directory.\n{ELSEWHERE}"


def test_a_variable_without_sense_comes_before_the_table(
    vlm: Run, full: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLM_CACHE", "maybe")
    told = vlm("cache")
    assert (told.code, told.stdout) == (2, "")
    assert told.stderr.startswith("vlm: VLM_CACHE is 'maybe'")
