"""Tables for people and for scripts."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from vlmcli.output.table import Column, print_rows

COLUMNS = [Column("name"), Column("size", right=True), Column("licence", rank=3), Column("good for", rank=1)]
ROWS = [["llava-1.6-mistral-7b", "5.0 GB", "apache-2.0", "photographs"], ["demo", "13 MB", "", "a\x1b[31mtoy\n"]]


def on_screen(terminal: Callable[..., Any], columns: int) -> list[str]:
    screen = terminal(columns)
    print_rows(COLUMNS, ROWS, screen.stream)
    return list(screen.end())


def test_a_script_gets_whole_values_with_tabs_between_and_no_heading() -> None:
    stream = io.StringIO()
    print_rows(COLUMNS, ROWS, stream)
    first, second = stream.getvalue().splitlines()
    assert first == "llava-1.6-mistral-7b\t5.0 GB\tapache-2.0\tphotographs"
    assert second.split("\t")[:3] == ["demo", "13 MB", ""]
    assert "\x1b" not in second


def test_a_person_gets_a_heading_and_columns(terminal: Callable[..., Any]) -> None:
    lines = on_screen(terminal, 80)
    assert lines[0] == "name                    size  licence     good for"
    assert lines[1] == "llava-1.6-mistral-7b  5.0 GB  apache-2.0  photographs"
    assert lines[2].startswith("demo                   13 MB  -           a")


def test_what_matters_least_goes_first_and_no_line_wraps(terminal: Callable[..., Any]) -> None:
    narrower = on_screen(terminal, 50)
    assert "licence" not in narrower[0]
    assert "photographs" in narrower[1]
    narrow = on_screen(terminal, 30)
    assert narrow[0].split() == ["name", "size"]
    assert narrow[1] == "llava-1.6-mistral-7b  5.0 GB"


def test_a_long_text_is_cut_to_the_room(terminal: Callable[..., Any]) -> None:
    screen = terminal(40)
    print_rows([Column("name"), Column("good for", rank=1)], [["small", "w" * 60]], screen.stream)
    assert screen.end()[1] == "small  " + "w" * 32 + "…"


def test_an_empty_table_has_its_heading(terminal: Callable[..., Any]) -> None:
    screen = terminal(40)
    print_rows([Column("name"), Column("size")], [], screen.stream)
    assert screen.end() == ["name  size"]
