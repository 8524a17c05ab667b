"""Where the text of a straight page stands, in reading order: columns, and what lies above and below them (XY-cut)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from PIL import Image

from vlmcli.core.pages import Box
from vlmcli.images.pages.runs import Run, across, down, median, trimmed

_GUTTER_EMS = 1.2
"""The least paper between two columns; between words it is never so wide."""
_PROSE_EMS = 7.0
"""Lines of a column are longer than this; what is shorter and side by side is a table, which is read row by row."""
_APART_EMS = 0.9
"""Paper between two paragraphs, more than between two lines."""
_LEAST_ROWS = 3
_MOST_HEAD_ROWS, _MOST_FOOT_ROWS = 8, 3
_STRIPS = 8
_LEAST_EM = 5


class Block(NamedTuple):
    box: Box
    is_table: bool


def line_height(ink: Image.Image) -> float:
    """The height in pixels of most lines, tall and low letters together; 0.0 without any. Columns may lie anyhow."""
    heights = []
    for i in range(_STRIPS):
        strip = (ink.width * i // _STRIPS, 0, ink.width * (i + 1) // _STRIPS, ink.height)
        if strip[2] > strip[0]:
            heights += [run.length for run in down(ink, strip, least_gap=2) if run.length >= _LEAST_EM]
    return median(heights)


def find_blocks(ink: Image.Image, em: float) -> list[Block]:
    whole = trimmed(ink, (0, 0, *ink.size))
    return list(_cut(ink, whole, em)) if whole else []


def _cut(ink: Image.Image, box: Box, em: float) -> Iterator[Block]:
    rows = _rows(ink, box, em)
    found = _with_columns(ink, box, rows, em)
    if found:
        above, columns, below = found
        for part in (*above, *columns, *below):
            inner = trimmed(ink, part)
            if inner:
                yield from _cut(ink, inner, em)
        return
    for part in _paragraphs(box, rows, em):
        inner = trimmed(ink, part)
        if inner:
            yield Block(inner, _is_table(ink, inner, em))


def _rows(ink: Image.Image, box: Box, em: float) -> list[Run]:
    return [run for run in down(ink, box, least_gap=2) if run.length >= 0.25 * em]


def _with_columns(
    ink: Image.Image, box: Box, rows: list[Run], em: float
) -> tuple[list[Box], list[Box], list[Box]] | None:
    """(above, columns, below): columns under a heading that spans them, and over a foot; as few rows off as will do."""
    for foot in range(min(_MOST_FOOT_ROWS, len(rows)) + 1):
        for head in range(min(_MOST_HEAD_ROWS, len(rows)) + 1):
            inside = rows[head : len(rows) - foot]
            if len(inside) < _LEAST_ROWS:
                break
            middle = (box[0], inside[0].start, box[2], inside[-1].end)
            columns = _columns(ink, middle, em)
            if columns:
                above = [(box[0], box[1], box[2], inside[0].start)] if head else []
                below = [(box[0], inside[-1].end, box[2], box[3])] if foot else []
                return above, columns, below
    return None


def _columns(ink: Image.Image, box: Box, em: float) -> list[Box]:
    """Columns of prose side by side; none where there is one column, or a table."""
    parts = across(ink, box, least_gap=round(_GUTTER_EMS * em))
    boxes = [(part.start, box[1], part.end, box[3]) for part in parts]
    if len(boxes) < 2 or not all(_is_prose(ink, each, em) for each in boxes):
        return []
    return boxes


def _is_prose(ink: Image.Image, box: Box, em: float) -> bool:
    rows = _rows(ink, box, em)
    widths = [width for row in rows if (width := _width(ink, (box[0], row.start, box[2], row.end)))]
    return len(rows) >= _LEAST_ROWS and median(widths) >= _PROSE_EMS * em


def _width(ink: Image.Image, box: Box) -> int:
    inner = trimmed(ink, box)
    return inner[2] - inner[0] if inner else 0


def _paragraphs(box: Box, rows: list[Run], em: float) -> Iterator[Box]:
    """Cut where there is clearly more paper between two rows than between most of them."""
    gaps = [b.start - a.end for a, b in pairwise(rows)]
    usual = median(gaps)
    top = box[1]
    for row, gap in zip(rows, gaps, strict=False):
        if gap > usual + _APART_EMS * em * 0.5 and gap > _APART_EMS * em * 0.8:
            yield box[0], top, box[2], row.end
            top = row.end
    yield box[0], top, box[2], box[3]


def _is_table(ink: Image.Image, box: Box, em: float) -> bool:
    """Two rows or more, with wide paper between cells at the same places of nearly all."""
    rows = _rows(ink, box, em)
    if len(rows) < 2:
        return False
    return len(across(ink, box, least_gap=round(_GUTTER_EMS * em))) >= 2
