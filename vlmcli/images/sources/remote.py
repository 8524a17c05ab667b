"""A picture in a store that has a URL: `s3://bucket/a.png`, `gs://`, `hf://`, … It is read when it is its turn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from urllib.parse import unquote

from vlmcli.core import ImageRef
from vlmcli.errors import PictureError, PictureTooLarge, PictureUnreadable
from vlmcli.images.sources import stores
from vlmcli.images.sources.promise import PromisedRef
from vlmcli.images.sources.reading import MAX_BYTES, empty
from vlmcli.images.sources.source import Source
from vlmcli.images.wishes import Wish, WishedRef
from vlmcli.images.words import printable, quoted


@dataclass(frozen=True, slots=True)
class RemoteRef(PromisedRef):
    """Its name is its URL."""


def is_remote(argument: object) -> bool:
    """Whether it is a URL of anything but the web."""
    scheme = stores.scheme_of(argument) if isinstance(argument, str) else None
    return scheme not in (None, "http", "https")


def find_facts(ref: ImageRef) -> stores.Facts | None:
    """What the store says of this picture; None for pictures elsewhere, and where it says nothing."""
    ref = ref.inner if isinstance(ref, WishedRef) else ref
    if not isinstance(ref, RemoteRef):
        return None
    try:
        return stores.facts_of(ref.name)
    except PictureError:
        return None


def _resolve(argument: str, wish: Wish) -> ImageRef:
    scheme, _, rest = argument.partition("://")
    if scheme.lower() == "file":
        raise PictureUnreadable(
            f"{printable(argument)} is not read as a URL.", f"Name the file itself: {quoted(unquote(rest))}"
        )
    stores.check(argument)
    return RemoteRef(argument, "memory", get=partial(_read, argument))


def _read(url: str) -> bytes:
    data = stores.read(url, MAX_BYTES)
    if len(data) > MAX_BYTES:
        raise PictureTooLarge(
            f"{printable(url)} is too large: more than {MAX_BYTES // 10**6:,} MB.", "Make a smaller copy of it first."
        )
    if not data:
        raise empty(ImageRef(url, "memory"))
    return data


SOURCE = Source("remote", is_remote, _resolve, lambda ref: ref.get())
