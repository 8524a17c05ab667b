"""Pictures are drawn here, and never committed."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from vlmcli import images
from vlmcli.core import LoadedImage

Colour = tuple[int, int, int]


@pytest.fixture
def encoded() -> Callable[..., bytes]:
    """An image as the bytes of a file: encoded(image, "PNG", **options)."""

    def encode(image: Image.Image, format: str, **options: Any) -> bytes:
        file = BytesIO()
        image.save(file, format, **options)
        return file.getvalue()

    return encode


@pytest.fixture
def pixels() -> Callable[..., list[Colour]]:
    """The pixels, row by row, of what `load` makes of bytes, a PIL image or a path."""

    def decode(picture: Any) -> list[Colour]:
        return rgb_of(images.load(images.resolve(picture)))

    return decode


def rgb_of(image: LoadedImage) -> list[Colour]:
    assert len(image.rgb) == image.width * image.height * 3
    return [(image.rgb[i], image.rgb[i + 1], image.rgb[i + 2]) for i in range(0, len(image.rgb), 3)]
