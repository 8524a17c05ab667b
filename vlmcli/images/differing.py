"""Where two pictures of one size differ by more than what JPEG makes of the same thing twice.

Compared are the means of small cells: the noise of a codec goes up and down from pixel to pixel, a change does not.
Cells above the noise that touch, or nearly, are one region. All on a grid of bounded size, whatever the picture.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

from PIL import Image, ImageChops

from vlmcli.core import Difference, LoadedImage, Region
from vlmcli.core.pages import Box
from vlmcli.images.decode import of_pixels, pixels_of
from vlmcli.images.pages.runs import trimmed

_GRID = 256
"""Cells along the longer side, at the most."""
_LEAST_CELL_PX = 4
_LEAST, _MOST, _TIMES_NOISE = 12, 48, 5
"""A cell differs when its mean difference (0 to 255) is so many times that of the median cell, within these bounds."""
MOST_REGIONS = 32
MOST_CROPS = 4
_MARGIN, _LEAST_SHARE = 0.5, 1 / 8
"""A crop has this much of its region's size around it on each side; and is a share of the picture at least."""


def difference(first: LoadedImage, second: LoadedImage) -> Difference:
    """ValueError unless both are of one size."""
    if (first.width, first.height) != (second.width, second.height):
        raise ValueError("pictures of two sizes")
    if first.digest == second.digest:
        return Difference((), True, 0.0)
    a, b = pixels_of(first), pixels_of(second)
    cell = max(_LEAST_CELL_PX, -(-max(a.size) // _GRID))
    means = _delta(a.reduce(cell), b.reduce(cell))
    threshold = _threshold(means)
    differs = _delta(a, b).point(lambda value: 255 * (value > threshold))
    boxes = _merged([_scaled(box, cell, a.size) for box in _islands(means, threshold)], 2 * cell)
    found = sorted((trimmed(differs, box) or box for box in boxes), key=_area, reverse=True)[:MOST_REGIONS]
    crops = tuple((_crop(first, a, box), _crop(second, b, box)) for box in found[:MOST_CROPS])
    share = sum(map(_area, found)) / (first.width * first.height)
    return Difference(tuple(_as_region(box) for box in found), False, min(share, 1.0), crops)


def _delta(a: Image.Image, b: Image.Image) -> Image.Image:
    """For each pixel the difference in brightness, or in colour, which JPEG keeps less of and so counts half."""
    bright, blue, red = ImageChops.difference(a.convert("YCbCr"), b.convert("YCbCr")).split()
    return ImageChops.lighter(bright, ImageChops.lighter(blue, red).point(lambda value: value // 2))


def _threshold(means: Image.Image) -> int:
    up_to = list(accumulate(means.histogram()))
    median = bisect_right(up_to, up_to[-1] // 2)
    return min(max(_TIMES_NOISE * median, _LEAST), _MOST)


def _islands(means: Image.Image, threshold: int) -> Iterator[Box]:
    """Bounding boxes, in cells, of cells above the threshold that touch each other, corners included."""
    width = means.width
    left = {at for at, value in enumerate(means.tobytes()) if value > threshold}
    while left:
        queue = [left.pop()]
        island = list(queue)
        while queue:
            at = queue.pop()
            beside = (-1, 0, 1) if 0 < at % width < width - 1 else (0, 1) if at % width == 0 else (-1, 0)
            near = {at + x + y * width for x in beside for y in (-1, 0, 1)} & left
            left -= near
            queue += near
            island += near
        columns, rows = [at % width for at in island], [at // width for at in island]
        yield min(columns), min(rows), max(columns) + 1, max(rows) + 1


def _merged(boxes: list[Box], gap: int) -> list[Box]:
    """Boxes no nearer to each other than `gap`, and no more than MOST_REGIONS: then a wider gap joins them."""
    while True:
        joined: list[Box] = []
        for box in sorted(boxes):
            near = [other for other in joined if _are_near(box, other, gap)]
            for other in near:
                joined.remove(other)
                box = _around(box, other)
            joined.append(box)
        if len(joined) == len(boxes):
            if len(joined) <= MOST_REGIONS:
                return joined
            gap *= 2
        boxes = joined


def _are_near(a: Box, b: Box, gap: int) -> bool:
    return a[0] < b[2] + gap and b[0] < a[2] + gap and a[1] < b[3] + gap and b[1] < a[3] + gap


def _around(a: Box, b: Box) -> Box:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _crop(image: LoadedImage, pixels: Image.Image, box: Box) -> LoadedImage:
    least = round(max(pixels.size) * _LEAST_SHARE)
    grown: list[tuple[int, int]] = []
    for start, end, size in ((box[0], box[2], pixels.width), (box[1], box[3], pixels.height)):
        more = max(round((end - start) * _MARGIN), (least - (end - start)) // 2, 1)
        grown.append((max(start - more, 0), min(end + more, size)))
    (left, right), (top, bottom) = grown
    return of_pixels(image.name, pixels.crop((left, top, right, bottom)))


def _scaled(box: Box, cell: int, size: tuple[int, int]) -> Box:
    """In pixels; the last cell of a row or a column may reach beyond the picture."""
    return box[0] * cell, box[1] * cell, min(box[2] * cell, size[0]), min(box[3] * cell, size[1])


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _as_region(box: Box) -> Region:
    left, top, right, bottom = box
    return Region(left, top, right - left, bottom - top)
