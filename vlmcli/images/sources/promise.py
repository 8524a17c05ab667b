"""References that know by themselves how their bytes are got, or why they cannot be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from vlmcli.core import ImageRef
from vlmcli.errors import PictureError


def _nothing() -> bytes:
    raise PictureError("This reference was made without a source.")


@dataclass(frozen=True, slots=True)
class PromisedRef(ImageRef):
    """A picture whose bytes are fetched when it is its turn."""

    get: Callable[[], bytes] = field(default=_nothing, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class FailedRef(ImageRef):
    """What was found wrong with a name while others are good: raised where the picture would be read."""

    error: PictureError = field(default_factory=lambda: PictureError(""), compare=False)
