"""A picture small enough to be shown in a terminal."""

from __future__ import annotations

from PIL import Image

from vlmcli.core import LoadedImage


def shrink(image: LoadedImage, width: int, height: int) -> LoadedImage:
    """`image` scaled to fit into `width` x `height` pixels, its aspect kept, never enlarged."""
    scale = min(width / image.width, height / image.height, 1.0)
    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    pixels = Image.frombytes("RGB", (image.width, image.height), image.rgb).resize(size, Image.Resampling.BOX)
    return LoadedImage(image.name, *size, pixels.tobytes(), image.digest, image.format)
