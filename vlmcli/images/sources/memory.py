"""A picture that the Python API was given as it is: the bytes of a file, or a PIL image."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from vlmcli.core import ImageRef
from vlmcli.errors import NotAPicture
from vlmcli.images.sources.reading import empty
from vlmcli.images.sources.source import Source
from vlmcli.images.wishes import NONE, Wish

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class MemoryRef(ImageRef):
    """A reference that carries what it stands for."""

    content: bytes | Image = field(default=b"", repr=False, hash=False)


def _matches(argument: object) -> bool:
    return isinstance(argument, (bytes, bytearray, memoryview)) or _is_pil(argument)


def _is_pil(argument: object) -> bool:
    # Whoever holds a PIL image has imported PIL: no import of ours is needed to recognize it.
    pil = sys.modules.get("PIL.Image")
    return pil is not None and isinstance(argument, pil.Image)


def _resolve(argument: bytes | bytearray | memoryview | Image, wish: Wish = NONE) -> MemoryRef:
    if isinstance(argument, (bytes, bytearray, memoryview)):
        return MemoryRef("<bytes>", "memory", content=bytes(argument))
    return MemoryRef(str(getattr(argument, "filename", "")) or "<image>", "memory", content=argument)


def _read(ref: ImageRef) -> bytes:
    content = cast(MemoryRef, ref).content
    if not isinstance(content, bytes):
        raise NotAPicture(f"{ref.name} is decoded already and has no bytes to read.")
    if not content:
        raise empty(ref)
    return content


SOURCE = Source("memory", _matches, _resolve, _read)
