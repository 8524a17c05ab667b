"""A picture at an http or https address. It is fetched when it is its turn, and only then."""

from __future__ import annotations

import re
from functools import partial

from vlmcli.core import ImageRef
from vlmcli.errors import PictureNotFound, PictureUnreadable
from vlmcli.images.sources.promise import PromisedRef
from vlmcli.images.sources.source import Source
from vlmcli.images.wishes import Wish
from vlmcli.images.words import printable

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SCHEME = re.compile(r"https?://", re.IGNORECASE)


def _matches(argument: object) -> bool:
    return isinstance(argument, str) and _SCHEME.match(argument) is not None


def _resolve(argument: str, wish: Wish) -> ImageRef:
    check_url(argument, argument)
    return PromisedRef(argument, "memory", get=partial(_fetch, argument, wish.allow_local))


def _fetch(url: str, allow_local: bool) -> bytes:
    from vlmcli.images.sources.fetching import fetch  # http.client and ssl: 40 ms

    return fetch(url, allow_local)


def check_url(url: str, name: str) -> None:
    """Raises for what is no address at all, and for one with a password in it, which would be printed and logged."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise PictureNotFound(f"{printable(name)} is not a URL ({error}).", "https://example.org/photo.jpg") from error
    if not parts.hostname or any(c.isspace() or not c.isprintable() for c in parts.netloc) or _CONTROL.search(url):
        raise PictureNotFound(f"{printable(name)} is not a URL with a host in it.", "https://example.org/photo.jpg")
    if parts.username is not None:
        raise PictureUnreadable(
            f"A URL with a user name in it is not fetched: {printable(parts.hostname)}.",
            "Fetch it first: curl --netrc URL | vlm describe -",
        )


SOURCE = Source("url", _matches, _resolve, lambda ref: ref.get())
