"""Names that are pictures and not files, and that this version does not fetch: each is refused with the way round."""

from __future__ import annotations

import re
from typing import NoReturn

from vlmcli.core import ImageRef
from vlmcli.errors import PictureUnreadable
from vlmcli.images.sources.source import Source
from vlmcli.images.words import printable, quoted

_SCHEME = re.compile(r"(https?://|data:|clipboard:|[a-z][a-z0-9+.-]+://)", re.IGNORECASE)


def _matches(argument: object) -> bool:
    return isinstance(argument, str) and _SCHEME.match(argument) is not None


def _resolve(argument: str) -> NoReturn:
    if argument[:4].lower() == "http":
        raise PictureUnreadable(
            f"{printable(argument)} is a URL, and only files and standard input (-) are read.",
            f"Fetch it first: curl -sL {quoted(argument)} | vlm describe -",
        )
    scheme = argument.partition(":")[0].lower()
    raise PictureUnreadable(
        f"{printable(argument)} is not a file: pictures from {scheme}: are not read.",
        "Save the picture as a file and name that.",
    )


def _read(ref: ImageRef) -> bytes:
    _resolve(ref.name)


SOURCE = Source("remote", _matches, _resolve, _read)
