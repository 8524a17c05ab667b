"""Names of files that are hostile or odd: never on a terminal as they are, and never a reason to fail."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
DEMO = ("--model", "demo", "--max-tokens", "2")

NAMES = {
    "new\nline.png": r"new\nline.png",
    "red\x1b[31m.png": r"red\x1b[31m.png",
    "title\x1b]0;pwned\x07.png": r"title\x1b]0;pwned\x07.png",
    "bell\x07.png": r"bell\x07.png",
    "c1\x9b2J.png": r"c1\x9b2J.png",
    "gnp.\u202egpj.png": r"gnp.\u202egpj.png",
    "höhe 漢字 🙂.png": "höhe 漢字 🙂.png",
    " spaces .png": " spaces .png",
    "'quotes\".png": "'quotes\".png",
    "[bold]markup.png": "[bold]markup.png",
}


@pytest.mark.parametrize("name", NAMES, ids=[ascii(name) for name in NAMES])
def test_a_name_is_shown_with_escapes(vlm: Run, picture: str, name: str) -> None:
    Path(picture).rename(name)
    result = vlm("describe", name, name, *DEMO)
    assert result.code == 0, result.stderr
    assert result.stdout.startswith(f"==> {NAMES[name]} <==\n")
    missing = vlm("describe", name, f"{name}.png", *DEMO)
    assert missing.code == 1
    for text in (missing.stdout, missing.stderr):
        assert not set(text) & set("\x1b\x07\x9b\u202e\r")


@pytest.mark.parametrize("name", NAMES, ids=[ascii(name) for name in NAMES])
def test_json_has_the_name_as_it_is(vlm: Run, picture: str, name: str) -> None:
    Path(picture).rename(name)
    result = vlm("describe", name, "--format", "jsonl", *DEMO)
    assert len(result.stdout.splitlines()) == 1
    assert json.loads(result.stdout)["picture"] == name


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names there are text")
@pytest.mark.parametrize("format", ["text", "json"])
def test_a_name_that_is_no_text(vlm_process: Run, picture: str, tmp_path: Path, format: str) -> None:
    raw = b"caf\xe9\xff.png"
    os.rename(picture, os.path.join(os.fsencode(tmp_path), raw))
    result = vlm_process(b"describe", raw, raw, "--format", format, *DEMO)
    assert result.code == 0, result.stderr
    if format == "json":
        assert json.loads(result.stdout)[0]["picture"] == r"caf\xe9\xff.png"
    else:
        assert result.stdout.startswith(r"==> caf\xe9\xff.png <==")
    missing = vlm_process(b"describe", b"caf\xe9.png", *DEMO)
    assert (missing.code, missing.stdout) == (3, "")
    assert r"There is no file caf\xe9.png." in missing.stderr


@pytest.mark.parametrize("name", ["-v.png", "--model", "-"])
def test_a_name_like_an_option_after_two_dashes(vlm: Run, picture: str, name: str) -> None:
    Path(picture).rename(name)
    result = vlm("describe", *DEMO, "--format", "json", "--", f"./{name}" if name == "-" else name)
    assert result.code == 0, result.stderr
    assert json.loads(result.stdout)["picture"].endswith(name)


def test_a_name_as_long_as_they_come(vlm: Run, picture: str) -> None:
    result = vlm("describe", "x" * 5000 + ".png", *DEMO)
    assert (result.code, result.stdout) == (3, "")
    assert len(result.stderr) < 1000


def test_hostile_text_in_a_question_is_not_echoed_raw(vlm: Run, picture: str) -> None:
    result = vlm("ask", picture, "-q", "a\x1b[31mb", "-q", "c\nd", *DEMO)
    assert result.code == 0
    assert r"==> a.png: a\x1b[31mb <==" in result.stdout
    assert r"==> a.png: c\nd <==" in result.stdout
    assert "\x1b" not in result.stdout + result.stderr
