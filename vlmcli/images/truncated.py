"""Pillow's one switch for truncated pictures, which belongs to the whole process, given to one picture at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, ImageFile

_GREY: dict[str, int | tuple[int, ...]] = {
    "L": 128,
    "LA": (128, 255),
    "RGB": (128, 128, 128),
    "RGBA": (128, 128, 128, 255),
    "RGBX": (128, 128, 128, 255),
}

_turn = threading.Condition()
_strict = 0


@contextmanager
def decoding(truncated: bool) -> Iterator[None]:
    """Around every decoding. Those with `truncated` run alone, so that no other picture is half read unnoticed."""
    global _strict
    if truncated:
        with _turn:
            _turn.wait_for(lambda: _strict == 0)
            ImageFile.LOAD_TRUNCATED_IMAGES = True
            try:
                yield
            finally:
                ImageFile.LOAD_TRUNCATED_IMAGES = False
        return
    with _turn:
        _strict += 1
    try:
        yield
    finally:
        with _turn:
            _strict -= 1
            _turn.notify_all()


def paint_grey(image: Image.Image) -> None:
    """Before `image` is loaded: rows that never come are to be mid grey, as a JPEG's are, and not black or clear."""
    if image.mode in _GREY:
        image.im = Image.new(image.mode, image.size, _GREY[image.mode]).im


def is_nothing(image: Image.Image) -> bool:
    """Whether more than 99 in 100 pixels are that grey: too little was there to say anything about."""
    return image.convert("L").histogram()[128] > 0.99 * image.width * image.height
