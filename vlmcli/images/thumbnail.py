"""A picture small enough to be shown in a terminal, or among thousands on one page."""

from __future__ import annotations

import io
import os

from PIL import Image, features

from vlmcli.core import LoadedImage
from vlmcli.errors import PictureError
from vlmcli.images.decode import MAX_PIXELS, load, pixels_of
from vlmcli.images.formats import sniff
from vlmcli.images.quiet import quiet
from vlmcli.images.rgb import orientation_of, to_rgb, upright
from vlmcli.images.sources import resolve
from vlmcli.images.truncated import decoding
from vlmcli.images.wishes import NONE, Wish, split_page

SIDE_PX = 320
"""Longer side of a thumbnail on a page."""

_QUALITY = 60
_FINER = 2
"""A JPEG is decoded at the smallest scale that has this many pixels, each way, for one that is shown."""


def shrink(image: LoadedImage, width: int, height: int) -> LoadedImage:
    """`image` scaled to fit into `width` x `height` pixels, its aspect kept, never enlarged."""
    size = _fitting(image.width, image.height, width, height)
    pixels = pixels_of(image).resize(size, Image.Resampling.BOX)
    return LoadedImage(image.name, *size, pixels.tobytes(), image.digest, image.format)


def to_thumbnail(image: LoadedImage, side_px: int = SIDE_PX) -> bytes:
    """A picture that is loaded already as a small WebP file, or JPEG where Pillow was built without WebP."""
    small = shrink(image, side_px, side_px)
    return _encoded(pixels_of(small))


def find_thumbnail(name: str, wish: Wish = NONE, side_px: int = SIDE_PX) -> bytes | None:
    """The same of a picture in a file, named as a record names it and read again with the same wish.

    None where there is nothing to show: it is damaged, gone, or was no regular file (a pipe and a URL are not read
    twice).
    """
    path, page = split_page(name)
    try:
        if not os.path.isfile(name if page is None else path):
            return None
        if wish.frame is None and page is None:
            with open(name, "rb") as file, quiet():
                small = _drafted(file.read(), side_px)
            if small is not None:
                return _encoded(small)
        return to_thumbnail(load(resolve(name, wish)), side_px)
    except (PictureError, OSError, ValueError):
        return None


def _drafted(data: bytes, side_px: int) -> Image.Image | None:
    """A large JPEG, quickly. None for all else, and for one with something wrong: `load` knows what to say."""
    format = sniff(data)
    if format is None or format.name != "JPEG":
        return None
    try:
        with decoding(truncated=False):
            image = format.open(data)
            width, height = _fitting(*image.size, _FINER * side_px, _FINER * side_px)
            if image.width * image.height > MAX_PIXELS or image.draft(None, (width, height)) is None:
                return None
            image.load()
            whole = upright(to_rgb(image), orientation_of(image))
    except Exception:  # Pillow's plugins raise about anything on damaged bytes
        return None
    return whole.resize(_fitting(*whole.size, side_px, side_px), Image.Resampling.BOX)


def _fitting(width: int, height: int, most_width: int, most_height: int) -> tuple[int, int]:
    scale = min(most_width / width, most_height / height, 1.0)
    return max(round(width * scale), 1), max(round(height * scale), 1)


def _encoded(image: Image.Image) -> bytes:
    file = io.BytesIO()
    if features.check("webp"):
        image.save(file, "WEBP", quality=_QUALITY, method=2)
    else:
        image.save(file, "JPEG", quality=_QUALITY, optimize=True)
    return file.getvalue()
