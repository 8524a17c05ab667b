"""A loaded picture as a file again, to be sent to a server: PNG or JPEG, whichever is smaller, within a limit."""

from __future__ import annotations

import io
import math

from PIL import Image

from vlmcli.core import LoadedImage
from vlmcli.images.decode import pixels_of

_QUALITY = 92
_PNG_LEVEL = 6
_SAMPLE_PIXELS = 1 << 17
"""A large picture's format is decided by a band across its middle: a PNG of a photograph takes seconds."""
_MARGIN = 0.9
_SMALLEST_SIDE = 16
_LONGEST_SIDE = 65_500
"""No JPEG is longer."""


def encode(image: LoadedImage, limit_bytes: int) -> tuple[str, bytes]:
    """(media type, bytes). Scaled down, its aspect kept, until it has at most `limit_bytes`.

    A drawing is a PNG and every pixel of it arrives; a photograph is a JPEG of high quality.
    """
    pixels = pixels_of(image)
    if max(pixels.size) > _LONGEST_SIDE:
        pixels = _scaled(pixels, _LONGEST_SIDE / max(pixels.size))
    kind = _smaller_kind(pixels)
    while True:
        data = _encoded(pixels, kind)
        if len(data) <= limit_bytes or min(pixels.size) <= _SMALLEST_SIDE:
            return f"image/{kind.lower()}", data
        if kind == "PNG" and len(as_jpeg := _encoded(pixels, "JPEG")) <= limit_bytes:
            return "image/jpeg", as_jpeg  # rather less sharp than less large
        kind = "JPEG"
        pixels = _scaled(pixels, _MARGIN * math.sqrt(limit_bytes / len(data)))


def to_png(image: LoadedImage) -> bytes:
    """Whatever it is, and however many bytes."""
    return _encoded(pixels_of(image), "PNG")


def _smaller_kind(pixels: Image.Image) -> str:
    width, height = pixels.size
    band = min(height, max(_SAMPLE_PIXELS // width, 8))
    top = (height - band) // 2
    sample = pixels.crop((0, top, width, top + band))
    return min(("PNG", "JPEG"), key=lambda kind: len(_encoded(sample, kind)))


def _scaled(pixels: Image.Image, scale: float) -> Image.Image:
    scale = min(scale, _MARGIN)
    size = max(round(pixels.width * scale), 1), max(round(pixels.height * scale), 1)
    return pixels.resize(size, Image.Resampling.LANCZOS)


def _encoded(pixels: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    if kind == "PNG":
        pixels.save(file, "PNG", compress_level=_PNG_LEVEL)
    else:
        pixels.save(file, "JPEG", quality=_QUALITY, subsampling=0)
    return file.getvalue()
