"""A table on stdout: aligned and no wider than the terminal for a person, tabs between whole values for a script."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from vlmcli.output.sanitize import show_name
from vlmcli.output.streams import fit, is_terminal, terminal_size

_GAP = 2
_NARROWEST = 12
"""A column that gives way to others keeps so many signs before it goes altogether."""


@dataclass(frozen=True, slots=True)
class Column:
    """`rank`: where there is no room for all, columns of the highest rank go first; 0 stays."""

    name: str
    rank: int = 0
    right: bool = False


def print_rows(columns: Sequence[Column], rows: Sequence[Sequence[str]], stream: TextIO | None = None) -> None:
    """Cells are text to show; an empty one is shown as a dash. A script gets no heading."""
    stream = sys.stdout if stream is None else stream
    shown = [[show_name(cell) for cell in row] for row in rows]
    if is_terminal(stream):
        heading = [column.name for column in columns]
        lines = _aligned(columns, [heading, *([cell or "-" for cell in row] for row in shown)], _columns_of(stream))
    else:
        lines = ["\t".join(row) for row in shown]
    for line in lines:
        print(fit(stream, line), file=stream)


def _columns_of(stream: TextIO) -> int:
    return terminal_size(stream).columns


def _aligned(columns: Sequence[Column], rows: list[list[str]], room: int) -> list[str]:
    widths = _widths(columns, [max(map(len, cells)) for cells in zip(*rows, strict=True)], room)
    return [
        (" " * _GAP)
        .join(
            _cell(cell, width, column.right) for cell, width, column in zip(row, widths, columns, strict=True) if width
        )
        .rstrip()
        for row in rows
    ]


def _widths(columns: Sequence[Column], widest: list[int], room: int) -> list[int]:
    """How wide each column is shown, 0 for one that is left out: ranked ones shrink or go, the highest first."""
    widths = list(widest)
    for index in sorted(range(len(columns)), key=lambda i: -columns[i].rank):
        over = sum(width + _GAP for width in widths if width) - _GAP - room
        if over <= 0 or not columns[index].rank:
            break
        shrunk = widths[index] - over
        is_text = not columns[index].right
        widths[index] = shrunk if is_text and shrunk >= _NARROWEST else 0
    return widths


def _cell(text: str, width: int, right: bool) -> str:
    text = text if len(text) <= width else text[: width - 1] + "…"
    return text.rjust(width) if right else text.ljust(width)
