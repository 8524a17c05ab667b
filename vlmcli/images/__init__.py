"""From what the user typed to upright RGB pixels: the only door to Pillow.

    resolve("cat.jpg") -> ImageRef         early: is it there at all? (no Pillow)
    load(ref)          -> LoadedImage      decodes, turns upright, makes it 8-bit RGB
    stitch(images, labels) -> LoadedImage  several pictures side by side as one
    encode(image, limit)   -> type, bytes  a file of so many bytes at the most
    lay_out(image, eyes) -> Page | None    what to show of a page that is larger than a model's eyes

The functions import what they need when they are called, so that `from vlmcli.images import load` costs nothing. No
module here has the name of one of them: importing `images.load` would put that module in the function's place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vlmcli.core import Difference, Eyes, ImageRef, LoadedImage, Page, Region
    from vlmcli.images.sources import PictureLike
    from vlmcli.images.wishes import Wish

__all__ = [
    "difference",
    "encode",
    "lay_out",
    "load",
    "looks_like_picture",
    "marked",
    "read",
    "resolve",
    "resolve_all",
    "shrink",
    "stitch",
    "to_png",
]


def resolve(argument: PictureLike, wish: Wish | None = None) -> ImageRef:
    """What was typed, or given to the Python API, as a reference; raises early what can be known without reading."""
    from vlmcli.images import sources, wishes

    return sources.resolve(argument, wish or wishes.NONE)


def resolve_all(arguments: Iterable[PictureLike]) -> tuple[ImageRef, ...]:
    """Each argument resolved, in order; UsageError when standard input is named twice."""
    from vlmcli.images import sources

    return sources.resolve_all(arguments)


def looks_like_picture(argument: str) -> bool:
    """Whether `argument` is meant as a picture, there or not, and not as a question."""
    from vlmcli.images import sources

    return sources.looks_like_picture(argument)


def read(ref: ImageRef) -> bytes:
    """The bytes of the picture, not decoded."""
    from vlmcli.images import sources

    return sources.read(ref)


def load(ref: ImageRef) -> LoadedImage:
    """The picture as upright 8-bit RGB. Raises a PictureError that says what is wrong with it."""
    from vlmcli.images import decode

    return decode.load(ref)


def stitch(images: Sequence[LoadedImage], labels: Sequence[str]) -> LoadedImage:
    """`images` side by side, equally high, each under its label."""
    from vlmcli.images import stitching

    return stitching.stitch(images, labels)


def difference(first: LoadedImage, second: LoadedImage) -> Difference:
    """Where two pictures of one size differ by more than noise."""
    from vlmcli.images import differing

    return differing.difference(first, second)


def marked(image: LoadedImage, boxes: Sequence[Region], line_px: int = 0) -> LoadedImage:
    """`image` with a frame inside each of `boxes`, `line_px` wide or as its size asks."""
    from vlmcli.images import marking

    return marking.marked(image, boxes, line_px)


def to_png(image: LoadedImage) -> bytes:
    """A PNG file of `image`."""
    from vlmcli.images import encoding

    return encoding.to_png(image)


def shrink(image: LoadedImage, width: int, height: int) -> LoadedImage:
    """`image` scaled to fit into `width` x `height` pixels, never enlarged."""
    from vlmcli.images import thumbnail

    return thumbnail.shrink(image, width, height)


def encode(image: LoadedImage, limit_bytes: int) -> tuple[str, bytes]:
    """`image` as a PNG or JPEG file of at most `limit_bytes`, with its media type; scaled down where it must be."""
    from vlmcli.images import encoding

    return encoding.encode(image, limit_bytes)


def lay_out(image: LoadedImage, eyes: Eyes) -> Page | None:
    """What to show of a page, look by look; None: the picture as it is, for its letters are large enough."""
    from vlmcli.images.pages import layout

    return layout.lay_out(image, eyes)
