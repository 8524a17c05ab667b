"""The lines of a block of text, and the words of a line."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import mean

from PIL import Image

from vlmcli.core.pages import Box
from vlmcli.images.pages.ink import otsu
from vlmcli.images.pages.runs import Run, across, down, median, row_counts, runs_of, trimmed

_SMALL_EMS = 0.35
"""A row of ink lower than this is the dots and accents of a line, or its commas."""
_TALL_EMS = 1.75
_HIGH_EMS = 1.4
_VALLEY = 0.3
"""Ink in the row between two lines that touch, over that in the lines' densest rows."""
_LEAST_WORD_GAP_EMS, _SPACE_EMS, _MOST_WORD_GAP_EMS, _CELL_GAP_EMS = 0.18, 0.3, 0.5, 1.2


@dataclass(frozen=True, slots=True)
class Line:
    """`words`: their stretches from left to right; `letters` those of a word's letters; `dense`: several lines."""

    box: Box
    words: tuple[tuple[Run, ...], ...]
    dense: bool = False


def find_lines(ink: Image.Image, box: Box, em: float) -> list[Line]:
    """The lines within `box` from top to bottom; one that is several, which cannot be told apart, is `dense`."""
    counts = row_counts(ink, box)
    rows = [Run(box[1] + r.start, box[1] + r.end) for r in runs_of([count >= 1.5 for count in counts])]
    rows = _joined(rows, em)
    usual = median([row.length for row in rows if row.length >= _SMALL_EMS * em], em)
    parted = [part for row in rows for part in _parted(row, counts, box[1], min(usual, 1.5 * em))]
    boxes = [inner for row in parted if (inner := trimmed(ink, (box[0], row.start, box[2], row.end)))]
    boxes = [inner for inner in boxes if inner[3] - inner[1] >= 0.3 * em]
    letters = [across(ink, inner) for inner in boxes]
    ems = [line_em(inner, em) for inner in boxes]
    gap_ems = _word_gap_ems(letters, ems)
    return [
        Line(inner, _words(runs, gap_ems * own), _is_dense(ink, inner, em))
        for inner, runs, own in zip(boxes, letters, ems, strict=True)
    ]


def line_em(box: Box, em: float) -> float:
    """Of a line that is clearly higher than most, its height: a heading's letters are wider and stand further apart."""
    height = box[3] - box[1]
    return height if height > _HIGH_EMS * em else em


def _joined(rows: list[Run], em: float) -> list[Run]:
    """Dots, accents and what noise has broken off go to the line that they are nearest to."""
    found: list[Run] = []
    for i, row in enumerate(rows):
        before = row.start - found[-1].end if found else em
        after = rows[i + 1].start - row.end if i + 1 < len(rows) else em
        small = min(row.length, found[-1].length if found else row.length) < _SMALL_EMS * em
        whole = row.end - found[-1].start if found else 0
        if (
            found
            and small
            and before < 0.4 * em
            and whole < 1.4 * em
            and (row.length >= _SMALL_EMS * em or before <= after)
        ):
            found[-1] = Run(found[-1].start, row.end)
        else:
            found.append(row)
    return [row for row in found if row.length >= 0.2 * em]


def _parted(row: Run, counts: list[float], top: int, usual: float) -> list[Run]:
    """A row as high as several lines that touch is cut where there is least ink, if there is little enough."""
    if row.length < _TALL_EMS * usual:
        return [row]
    inside = counts[row.start - top : row.end - top]
    valley = _VALLEY * max(inside)
    parts = runs_of([count > valley for count in inside])
    parts = [part for part in parts if part.length >= 0.3 * usual]
    if len(parts) < 2:
        return [row]
    cuts = [(a.end + b.start) // 2 for a, b in pairwise(parts)]
    edges = [0, *cuts, row.length]
    return [Run(row.start + a, row.start + b) for a, b in pairwise(edges)]


def _is_dense(ink: Image.Image, box: Box, em: float) -> bool:
    """Several lines that run into one another: in narrow strips there are rows as high as a line, in a drawing not."""
    if box[3] - box[1] < 2.5 * em or box[2] - box[0] < 8 * em:
        return False
    step = round(4 * em)
    strips = [(x, box[1], min(x + step, box[2]), box[3]) for x in range(box[0], box[2], step)]
    rows = [[run.length for run in down(ink, strip, least_gap=2) if run.length > 0.3 * em] for strip in strips]
    like_text = [len(heights) > 1 and median(heights) < 1.6 * em for heights in rows]
    return sum(like_text) > 0.7 * len(like_text)


def _word_gap_ems(lines: list[list[Run]], ems: list[float]) -> float:
    """The paper between two words, at least: what parts the block's gaps into narrow and wide ones, if they do part."""
    gaps = [(b.start - a.end) / em for runs, em in zip(lines, ems, strict=True) for a, b in pairwise(runs)]
    gaps = [gap for gap in gaps if gap < 1.1]  # wider ones are between the cells of a table
    histogram = [0] * 128
    for gap in gaps:
        histogram[round(100 * gap)] += 1
    edge = otsu(histogram) / 100
    narrow, wide = [gap for gap in gaps if gap < edge], [gap for gap in gaps if gap >= edge]
    if not narrow or not wide or mean(wide) < max(_SPACE_EMS, 2 * mean(narrow)):
        return _SPACE_EMS
    return min(max(edge, _LEAST_WORD_GAP_EMS), _MOST_WORD_GAP_EMS)


def _words(runs: list[Run], gap: float) -> tuple[tuple[Run, ...], ...]:
    words: list[list[Run]] = []
    for run in runs:
        if words and run.start - words[-1][-1].end < gap:
            words[-1].append(run)
        else:
            words.append([run])
    return tuple(tuple(word) for word in words)


def cell_gap(em: float) -> float:
    """The paper between two cells of a row, at least."""
    return _CELL_GAP_EMS * em
