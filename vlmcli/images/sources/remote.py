"""Schemes that are not fetched: each is refused with the way round."""

from __future__ import annotations

import re
from typing import NoReturn
from urllib.parse import unquote

from vlmcli.core import ImageRef
from vlmcli.errors import PictureUnreadable
from vlmcli.images.sources.source import Source
from vlmcli.images.wishes import Wish
from vlmcli.images.words import printable, quoted

_SCHEME = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]+)://", re.IGNORECASE)


def _matches(argument: object) -> bool:
    return isinstance(argument, str) and _SCHEME.match(argument) is not None


def _resolve(argument: str, wish: Wish) -> NoReturn:
    scheme, _, rest = argument.partition("://")
    if scheme.lower() == "file":
        hint = f"Name the file itself: {quoted(unquote(rest))}"
    else:
        hint = "Save the picture as a file and name that."
    raise PictureUnreadable(
        f"{printable(argument)} is not read: of URLs only http, https and data: are.",
        hint,
    )


def _read(ref: ImageRef) -> bytes:
    raise PictureUnreadable(f"{printable(ref.name)} is not read.")


SOURCE = Source("remote", _matches, _resolve, _read)
