"""Several pictures side by side as one, for models that were trained on one picture at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from vlmcli.core import LoadedImage
from vlmcli.images.decode import of_pixels, pixels_of

MAX_PIXELS = 16_000_000
"""Of the pictures together: no model sees more, and three large photographs need not fill the memory."""

_LABEL_SHARE = 1 / 16
"""Height of the labels over the longer side of the whole: read still at 336 pixels, where it is 21."""


def stitch(images: Sequence[LoadedImage], labels: Sequence[str]) -> LoadedImage:
    """`images` from left to right on white, all as high as the tallest, each under its label.

    Less high where they would pass MAX_PIXELS. ValueError unless there is one label an image, and an image.
    """
    if not images or len(images) != len(labels):
        raise ValueError(f"{len(images)} images and {len(labels)} labels")
    height = _common_height(images)
    widths = [max(1, round(i.width * height / i.height)) for i in images]
    label = max(12, min(round(max(sum(widths), height) * _LABEL_SHARE), height // 2))
    gap = label // 2
    canvas = Image.new("RGB", (sum(widths) + gap * (len(images) + 1), gap + label + gap + height + gap), "white")
    font = ImageFont.load_default(label)
    x = gap
    for image, width, text in zip(images, widths, labels, strict=True):
        ImageDraw.Draw(canvas).text((x + width / 2, gap + label / 2), text, fill="black", font=font, anchor="mm")
        canvas.paste(_scaled(image, width, height), (x, gap + label + gap))
        x += width + gap
    return of_pixels(", ".join(i.name for i in images), canvas)


def _common_height(images: Sequence[LoadedImage]) -> int:
    """The tallest image's height in pixels, or what keeps all of them within MAX_PIXELS."""
    aspects = sum(i.width / i.height for i in images)
    return max(1, min(max(i.height for i in images), math.isqrt(int(MAX_PIXELS / aspects))))


def _scaled(image: LoadedImage, width: int, height: int) -> Image.Image:
    pixels = pixels_of(image)
    if pixels.size == (width, height):
        return pixels
    return pixels.resize((width, height), Image.Resampling.LANCZOS)
