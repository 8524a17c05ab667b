"""Which part of a picture each tile shows, as mtmd cuts it (tools/mtmd/mtmd-image.cpp in llama.cpp). Pure.

Only what can be known from the projector's header: of other projectors the tiles are counted, and not placed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from vlmcli.core import Region
from vlmcli.gguf import Header

_EVENLY = ("internvl", "idefics3", "resampler")
"""The whole picture is cut into equal parts, in the grid whose shape is nearest to its own."""
_OVERVIEW_LAST = ("internvl", "llama4", "step3vl", "lfm2", "deepseekocr", "deepseekocr2")


@dataclass(frozen=True, slots=True)
class Tiling:
    """`boxes` are those of the tiles beside the overview, row by row; empty where that is not known."""

    overview: int
    """Which of all tiles shows the whole picture."""
    columns: int = 0
    rows: int = 0
    boxes: tuple[Region, ...] = ()


def tiling_of(projector: Header, width: int, height: int, n_tiles: int) -> Tiling:
    """Of a picture of this size in pixels, which came out as so many tiles, the overview among them."""
    kind, n_parts = projector.projector_type, n_tiles - 1
    overview = n_parts if kind in _OVERVIEW_LAST else 0
    if n_parts < 1:
        return Tiling(0)
    if kind in _EVENLY:
        columns, rows = _nearest_grid(n_parts, width / height)
        return Tiling(overview, columns, rows, _cut(width, height, columns, rows, width / columns, height / rows))
    side, sizes = projector.number("clip.vision.image_size"), projector.tiled_sizes
    if projector.is_llava and side and sizes:
        target = _best_size(width, height, sizes)
        columns, rows = -(-target[0] // side), -(-target[1] // side)
        if columns * rows == n_parts:
            return Tiling(overview, columns, rows, _padded(width, height, target, side))
    return Tiling(overview)


def _nearest_grid(n: int, aspect: float) -> tuple[int, int]:
    grids = [(columns, n // columns) for columns in range(1, n + 1) if n % columns == 0]
    return min(grids, key=lambda grid: abs(math.log(aspect) - math.log(grid[0] / grid[1])))


def _best_size(width: int, height: int, sizes: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Of the sizes that the model was trained on: where most of the picture is kept, and then least is wasted."""

    def kept_and_not_wasted(size: tuple[int, int]) -> tuple[int, int]:
        scale = min(size[0] / width, size[1] / height)
        kept = min(int(width * scale) * int(height * scale), width * height)
        return kept, kept - size[0] * size[1]

    return max(sizes, key=kept_and_not_wasted)


def _padded(width: int, height: int, target: tuple[int, int], side: int) -> tuple[Region, ...]:
    """The picture is scaled into the middle of the target, which is cut into squares."""
    scale = min(target[0] / width, target[1] / height)
    left = (target[0] - min(math.ceil(width * scale), target[0])) // 2
    top = (target[1] - min(math.ceil(height * scale), target[1])) // 2
    columns, rows = -(-target[0] // side), -(-target[1] // side)
    return _cut(width, height, columns, rows, side / scale, side / scale, left / scale, top / scale)


def _cut(
    width: int, height: int, columns: int, rows: int, step_x: float, step_y: float, left: float = 0, top: float = 0
) -> tuple[Region, ...]:
    """Boxes of a grid that begins `left` and `top` pixels outside the picture, as far as they are inside it."""

    def edges(step: float, out: float, count: int, size: int) -> list[int]:
        return [min(max(round(number * step - out), 0), size) for number in range(count + 1)]

    xs, ys = edges(step_x, left, columns, width), edges(step_y, top, rows, height)
    return tuple(
        Region(xs[x], ys[y], xs[x + 1] - xs[x], ys[y + 1] - ys[y]) for y in range(rows) for x in range(columns)
    )
