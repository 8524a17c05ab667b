"""Stretches of ink along a row or a column of a page."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image

from vlmcli.core.pages import Box


class Run(NamedTuple):
    """From `start` up to `end`, which is not in it."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


def runs_of(flags: Sequence[object], least_gap: int = 1) -> list[Run]:
    """Stretches of true flags; a gap shorter than `least_gap` does not part two."""
    found: list[Run] = []
    start = None
    for i, flag in enumerate([*flags, 0]):
        if flag and start is None:
            start = i
        elif not flag and start is not None:
            if found and start - found[-1].end < least_gap:
                found[-1] = Run(found[-1].start, i)
            else:
                found.append(Run(start, i))
            start = None
    return found


def across(ink: Image.Image, box: Box, least_gap: int = 1) -> list[Run]:
    """Where within `box` there is ink, from left to right."""
    flags, _ = ink.crop(box).getprojection()
    return [Run(box[0] + run.start, box[0] + run.end) for run in runs_of(flags, least_gap)]


def down(ink: Image.Image, box: Box, least_gap: int = 1) -> list[Run]:
    """The same from top to bottom."""
    _, flags = ink.crop(box).getprojection()
    return [Run(box[1] + run.start, box[1] + run.end) for run in runs_of(flags, least_gap)]


def row_counts(ink: Image.Image, box: Box) -> list[float]:
    """Pixels of ink in each row of `box`."""
    crop = ink.crop(box)
    means = crop.convert("F").resize((1, crop.height), Image.Resampling.BOX)
    return [value * crop.width / 255 for value in array("f", means.tobytes())]


def median(values: Sequence[float], default: float = 0.0) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else default


def trimmed(ink: Image.Image, box: Box) -> Box | None:
    """`box` without the paper at its edges; None where it is all paper."""
    inner = ink.crop(box).getbbox()
    if inner is None:
        return None
    return box[0] + inner[0], box[1] + inner[1], box[0] + inner[2], box[1] + inner[3]
