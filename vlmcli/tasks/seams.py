"""Bands of a page that overlap, joined without doubling or losing a line."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

_REACH = 3
"""Lines at an edge among which the common one is looked for."""
_ALIKE = 0.6
"""Similarity of two readings of one line, at least: the model errs, and an edge cuts letters."""


def without_doubles(bands: Sequence[Sequence[str]]) -> list[str]:
    """The lines of all bands from top to bottom; of a line that two of them have, the reading of one."""
    lines: list[str] = []
    for band in bands:
        keep, skip = _seam(lines, band)
        lines[keep:] = band[skip:]
    return lines


def _seam(above: Sequence[str], below: Sequence[str]) -> tuple[int, int]:
    """(how many lines of the upper band stay, how many of the lower go): the pair of edge lines that are most alike.

    Of pairs that are as much alike the one nearest to the edge: rows of a list repeat, and no line between may be lost.
    What the upper one has behind its line, and the lower one before it, are the same lines cut by the edge.
    """
    best, found = _ALIKE, (len(above), 0)
    for i in reversed(range(max(0, len(above) - _REACH), len(above))):
        for j in range(min(_REACH, len(below))):
            alike = SequenceMatcher(None, above[i], below[j], autojunk=False).ratio()
            if alike > best:
                best, found = alike, (i + 1, j + 1)
    return found
