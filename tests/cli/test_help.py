"""The help of every command, on terminals of any width."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import typer

from vlmcli.cli.app import command_line
from vlmcli.output.widths import widest

Run = Callable[..., Any]


def _commands_below(command: Any, *words: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, command
    for name, child in getattr(command, "commands", {}).items():
        yield from _commands_below(child, *words, name)


@pytest.mark.parametrize("columns", [20, 40, 60, 80])
def test_help_never_cuts_what_is_to_be_typed(vlm: Run, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for words, command in _commands_below(typer.main.get_command(command_line())):
        lines = vlm(*words, "--help").stdout.splitlines()
        assert max(map(widest, lines)) <= columns
        told = "".join(line.strip("│ ") for line in lines)  # a name that is wider than the screen goes on below
        shown = [each for each in command.params if not each.hidden]
        names = [name for each in shown if each.opts[0].startswith("-") for name in (*each.opts, *each.secondary_opts)]
        names += [each.metavar for each in shown if each.metavar] + list(getattr(command, "commands", {}))
        assert [name for name in names if name.replace(" ", "") not in told.replace(" ", "")] == [], words
        assert columns < 40 or all(name in " ".join(lines) for name in names if name.startswith("-")), words


def test_text_stands_below_what_leaves_it_no_room(vlm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    told = vlm("describe", "--help").stdout
    assert "│ --from-file LIST                     │\n│     Take more from a list, one name" in told
    monkeypatch.setenv("COLUMNS", "80")
    assert "│ --from-file LIST     Take more from a list" in vlm("describe", "--help").stdout
