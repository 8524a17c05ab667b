"""How a picture is wanted: which frame, and what of a damaged one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from vlmcli.core import ImageRef

_PAGE = re.compile(r"(?P<name>.+)#(page|frame)=(?P<number>[1-9]\d{0,8})\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants of a picture beside itself."""

    frame: int | None = None
    """The frame of an animation or the page of a TIFF, counted from 1; None: the first, and no word about it."""
    allow_truncated: bool = False
    """Take what can be decoded of a picture whose end is missing."""
    allow_local: bool = False
    """Fetch URLs of the local network and of this machine, too."""


NONE = Wish()


@dataclass(frozen=True, slots=True)
class WishedRef(ImageRef):
    """A reference with a wish about how it is read. `inner` is the plain reference; the name may have a page in it."""

    inner: ImageRef = field(default_factory=lambda: ImageRef(""))
    wish: Wish = NONE


def with_wish(ref: ImageRef, wish: Wish) -> ImageRef:
    """`ref` itself where there is nothing to wish."""
    return ref if wish == NONE else WishedRef(ref.name, ref.kind, ref.path, inner=ref, wish=wish)


def split_page(name: str) -> tuple[str, int | None]:
    """`scan.tif#page=3` as ("scan.tif", 3); a name without a page as it is, and None."""
    match = _PAGE.match(name)
    return (match["name"], int(match["number"])) if match else (name, None)
