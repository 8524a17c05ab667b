"""The dark surface that a page was photographed on, or the black edge that a scanner left, made into paper.

It lies along the picture's border and ends where the page begins: a shadow is as dark, but ends slowly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image, ImageFilter

_SIDE_PX = 200
"""Longer side of the copy on which it is searched."""
_FRAME = 5
"""Pixels of that copy: letters and their lines are narrower."""
_DARKER = 40
"""Levels of grey below paper, at least."""
_STEEP = 3
"""Where the way to paper is done by more than one part of so many from one pixel to the next, it is an edge."""
_LEAST_ALONG_BORDER, _LEAST_SHARP = 0.5, 0.6
"""Of the longer side: what is shorter may be a letter that was cut off. Of its outline: what is less is a shadow."""


def without_desk(grey: Image.Image, paper: int) -> Image.Image:
    """`grey` with paper in place of what lies around the page; `paper` is the level of most of it."""
    factor = -(-max(grey.size) // _SIDE_PX)
    small = _Small(_without_letters(_framed(grey.reduce(factor))), paper)
    desk = {at for area in small.dark_areas() if area.is_desk for at in (*area.inside, *area.outline)}
    if not desk:
        return grey
    mask = Image.new("L", (small.width, small.height))
    mask.putdata([255 * (at in desk) for at in range(small.width * small.height)])
    covered = grey.copy()
    covered.paste(_enlarged(small.paved(desk), factor, grey.size), (0, 0), _enlarged(mask, factor, grey.size))
    return covered


def _framed(small: Image.Image) -> Image.Image:
    """With each pixel of its border repeated outwards: the narrow edge of a scan is as wide as a desk."""
    levels, width = small.tobytes(), small.width
    rows = [levels[start : start + width] for start in range(0, len(levels), width)]
    rows = [row[:1] * _FRAME + row + row[-1:] * _FRAME for row in rows]
    rows = rows[:1] * _FRAME + rows + rows[-1:] * _FRAME
    return Image.frombytes("L", (len(rows[0]), len(rows)), b"".join(rows))


def _without_letters(small: Image.Image) -> Image.Image:
    """Only what is dark and wide."""
    return small.filter(ImageFilter.MaxFilter(_FRAME)).filter(ImageFilter.MinFilter(_FRAME))


def _enlarged(small: Image.Image, factor: int, size: tuple[int, int]) -> Image.Image:
    inner = small.crop((_FRAME, _FRAME, small.width - _FRAME, small.height - _FRAME))
    whole = inner.resize((inner.width * factor, inner.height * factor), Image.Resampling.NEAREST)
    return whole.crop((0, 0, *size))


class _Area(NamedTuple):
    """Dark pixels that reach the border, and the lighter ones beside them, of which `sharp` are behind an edge."""

    inside: set[int]
    outline: set[int]
    sharp: set[int]
    along_border: float

    @property
    def is_desk(self) -> bool:
        return self.along_border >= _LEAST_ALONG_BORDER and len(self.sharp) >= _LEAST_SHARP * len(self.outline)


class _Small:
    """A small copy, whose pixels are known by their place from the top left corner on."""

    def __init__(self, picture: Image.Image, paper: int) -> None:
        self.picture, self.paper = picture, paper
        self.width, self.height = picture.size
        self.levels = picture.tobytes()
        across, down = range(self.width), range(0, self.width * self.height, self.width)
        self.border = {*across, *(down[-1] + x for x in across), *down, *(y + self.width - 1 for y in down)}

    def dark_areas(self) -> Iterator[_Area]:
        seen = set[int]()
        for start in sorted(self.border):
            if start not in seen and self._is_dark(start):
                area = self._area(start)
                seen |= area.inside
                yield area

    def _area(self, start: int) -> _Area:
        inside, outline, sharp, waiting = {start}, set[int](), set[int](), [start]
        while waiting:
            here = waiting.pop()
            for there in self._beside(here):
                if there in inside:
                    continue
                steep = _STEEP * (self.levels[there] - self.levels[here]) > self.paper - self.levels[here]
                if steep or not self._is_dark(there):
                    outline.add(there)
                    sharp |= {there} if steep else set()
                else:
                    inside.add(there)
                    waiting.append(there)
        length = len(inside & self.border) / max(self.width, self.height)
        return _Area(inside, outline - inside, sharp - inside, length)

    def _is_dark(self, at: int) -> bool:
        return self.levels[at] <= self.paper - _DARKER

    def _beside(self, at: int) -> Iterator[int]:
        x = at % self.width
        if x:
            yield at - 1
        if x < self.width - 1:
            yield at + 1
        if at >= self.width:
            yield at - self.width
        if at < len(self.levels) - self.width:
            yield at + self.width

    def paved(self, desk: set[int]) -> Image.Image:
        """With the nearest paper in place of the desk, so that no edge is left where the page is in shadow."""
        levels = bytearray(self.picture.filter(ImageFilter.MaxFilter(5)).tobytes())
        left = set(desk)
        edge = [at for at in range(len(levels)) if at not in left and any(there in left for there in self._beside(at))]
        while edge:
            reached = []
            for here in edge:
                for there in self._beside(here):
                    if there in left:
                        left.remove(there)
                        levels[there] = levels[here]
                        reached.append(there)
            edge = reached
        return Image.frombytes("L", self.picture.size, bytes(levels))
