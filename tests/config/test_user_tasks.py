"""`[tasks.product]` in the settings file is `vlm product`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Write = Callable[[str], Path]

PRODUCT = """\
model = "demo"
max_tokens = 50
style = "alt"

[tasks.product]
prompt = "How many shapes are there?"
help = "Count [shapes]"
system = "Be brief."
max_tokens = 8
lang = "German"
format = "json"
"""


def test_it_asks_what_its_table_says(vlm: Run, write: Write, asked: Any, picture: str) -> None:
    write(PRODUCT)
    assert vlm("product", picture).code == 0
    options = asked.options
    assert (options.prompt, options.system, options.lang) == ("How many shapes are there?", "Be brief.", "German")
    assert (options.max_tokens, asked.common.format, asked.common.model) == (8, "json", "demo")
    assert vlm("product", picture, "--lang", "Dutch", "--max-tokens", "9").code == 0
    assert (asked.options.lang, asked.options.max_tokens) == ("Dutch", 9)


def test_variables_work_for_it_too(
    vlm: Run, write: Write, asked: Any, picture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(PRODUCT)
    monkeypatch.setenv("VLM_MAX_TOKENS", "3")
    assert vlm("product", picture).code == 0
    assert asked.options.max_tokens == 3


def test_the_real_model_answers_it(vlm: Run, write: Write, draw: Callable[..., Path]) -> None:
    write('model = "demo"\n[tasks.count]\nprompt = "How many shapes are there?"\n')
    told = vlm("count", draw("one.png", "white", ["red circle center"]))
    assert (told.code, "one" in told.stdout.lower()) == (0, True)


def test_help_knows_it(vlm: Run, write: Write) -> None:
    write(PRODUCT + '\n[tasks.plain]\nprompt = "Say something."\n')
    told = vlm("--help").stdout
    assert "Count [shapes]" in told
    assert "Say something." in told
    own = vlm("product", "--help")
    assert own.code == 0
    assert "Count [shapes]" in own.stdout
    assert "--style" not in own.stdout
    assert "--lang" in own.stdout
    assert vlm("product").code == 2  # no picture: its help, as of every command


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('[tasks.ocr]\nprompt = "x"', "line 1: a task cannot be called ocr: vlm has a command of that name."),
        ('[tasks.config]\nprompt = "x"', "a task cannot be called config"),
        ('[tasks."a b"]\nprompt = "x"', "a task cannot be called 'a b'"),
        ('[tasks.product]\nhelp = "x"', "line 1: the task product has no prompt."),
        ('[tasks.product]\nprompt = " "', "the task product has no prompt."),
        ('[tasks.product]\nprompt = "x"\nstyle = "alt"', "line 3: there is no setting 'style' in [tasks.product]."),
        ("[tasks.product]\nprompt = 3", "line 2: prompt is text, and not 3."),
        ('[tasks]\nproduct = "x"', "line 2: tasks.product is not a table."),
        ('tasks = "x"', "line 1: tasks is not a table."),
    ],
)
def test_a_wrong_one_is_refused(vlm: Run, write: Write, asked: Any, picture: str, table: str, says: str) -> None:
    path = write(table + "\n")
    for command in ("product", "describe") if "product" in table else ("describe",):
        told = vlm(command, picture)
        assert told.code == 2
        assert told.stderr.startswith(f"vlm: {path}, line ")
        assert says in told.stderr
