"""Names of pictures in folders: which look like one, and in which order they come."""

from __future__ import annotations

import os
import re

_EXTENSIONS = """
    .jpg .jpeg .jpe .jfif .png .apng .gif .webp .tif .tiff .bmp .dib .ppm .pgm .pbm .pnm .pfm .avif .avifs
    .heic .heif .hif .jp2 .j2k .j2c .jpf .jpx .ico .icns .psd .qoi .dds .sgi .rgb .rgba .bw
"""
EXTENSIONS = frozenset(_EXTENSIONS.split())
"""Of the formats that are read. A walk takes files of these; a file that is named itself may be called anything."""


def is_picture_name(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in EXTENSIONS


def is_hidden(name: str) -> bool:
    return name.startswith(".")


def natural(name: str) -> tuple[list[str | int], str]:
    """A sort key: numbers by their value, so that page-2 comes before page-10."""
    pieces = re.split(r"(\d+)", name)
    return [int(piece) if index % 2 else piece for index, piece in enumerate(pieces)], name
