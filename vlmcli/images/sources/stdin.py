"""A picture on standard input, named `-`. It can be read once."""

from __future__ import annotations

import sys
from typing import BinaryIO

from vlmcli.core import ImageRef
from vlmcli.errors import PictureUnreadable
from vlmcli.images.sources.reading import read_bounded
from vlmcli.images.sources.source import Source
from vlmcli.images.wishes import NONE, Wish

NAME = "-"


def _matches(argument: object) -> bool:
    return isinstance(argument, str) and argument == NAME


def _resolve(argument: str, wish: Wish = NONE) -> ImageRef:
    if _stream().isatty():
        # Reading would wait for bytes typed by hand, with nothing on the screen.
        raise PictureUnreadable(
            "The picture - is standard input, and that is a terminal.", "Pipe a picture in: cat photo.jpg | vlm …"
        )
    return ImageRef(NAME, "stdin")


def _read(ref: ImageRef) -> bytes:
    try:
        return read_bounded(_stream(), ref)
    except OSError as error:
        raise PictureUnreadable(f"Standard input cannot be read: {error.strerror or error}.") from error


def _stream() -> BinaryIO:
    stream: BinaryIO | None = getattr(sys.stdin, "buffer", None)
    if stream is None or stream.closed:
        raise PictureUnreadable("The picture - is standard input, and that is closed.", "Name a file instead.")
    return stream


SOURCE = Source("stdin", _matches, _resolve, _read)
