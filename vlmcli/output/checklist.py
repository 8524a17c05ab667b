"""Findings as a list: a word that says how it stands, what it is about, and under it what to type."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from vlmcli.output.sanitize import show_name
from vlmcli.output.streams import fit, is_terminal, terminal_size

_COLOURS = {"ok": "32", "warning": "33", "problem": "1;31"}
_WIDEST_WORD = max(map(len, _COLOURS))
_INDENT, _NARROW_INDENT = _WIDEST_WORD + 2, 2
_NARROW = 50
"""Columns below which the text goes under the word and not beside it."""


def print_finding(level: str, text: str, fix: str = "", stream: TextIO | None = None) -> None:
    """`level`: ok, warning or problem. `text` is wrapped for a terminal; a command is not: it is to be copied."""
    stream = sys.stdout if stream is None else stream
    columns = terminal_size(stream).columns if is_terminal(stream) else None
    indent = _NARROW_INDENT if columns is not None and columns < _NARROW else _INDENT
    lines = _wrapped(show_name(text), columns - indent) if columns else [show_name(text)]
    beside = indent == _INDENT
    first = (
        f"{_coloured(level, stream)}{' ' * (indent - len(level))}{lines.pop(0)}" if beside else _coloured(level, stream)
    )
    for line in (first, *(" " * indent + line for line in lines), *_commands(fix, indent)):
        print(fit(stream, line), file=stream)
    stream.flush()


def _commands(fix: str, indent: int) -> list[str]:
    return [f"{' ' * indent}{show_name(line)}" for line in fix.splitlines()]


def _wrapped(text: str, columns: int) -> list[str]:
    from vlmcli.output.wrapping import wrapped

    return wrapped(text, max(columns, 1))


def _coloured(level: str, stream: TextIO) -> str:
    """NO_COLOR wins over everything, and FORCE_COLOR over a pipe."""
    wanted = is_terminal(stream) or os.environ.get("FORCE_COLOR")
    return f"\x1b[{_COLOURS[level]}m{level}\x1b[0m" if wanted and not os.environ.get("NO_COLOR") else level
