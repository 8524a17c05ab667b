"""Frames around parts of a picture."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import ImageDraw

from vlmcli.core import LoadedImage, Region
from vlmcli.images.decode import of_pixels, pixels_of

_FRAMES = ("white", "red")
"""From outside in: one of them is seen on any ground."""


def marked(image: LoadedImage, boxes: Sequence[Region], line_px: int = 0) -> LoadedImage:
    """The picture with a frame just inside each box; `line_px` wide, 0: by the picture's size, with a white edge."""
    picture = pixels_of(image)
    pen = ImageDraw.Draw(picture)
    line, colours = (line_px, _FRAMES[-1:]) if line_px else (max(2, round(max(picture.size) / 240)), _FRAMES)
    for box in boxes:
        for step, colour in enumerate(colours):
            inside = step * line
            left, top = box.x + inside, box.y + inside
            right, bottom = box.x + box.width - 1 - inside, box.y + box.height - 1 - inside
            pen.rectangle((left, top, max(right, left), max(bottom, top)), outline=colour, width=line)
    return of_pixels(image.name, picture)
