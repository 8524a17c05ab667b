"""What a source of pictures is."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from vlmcli.core import ImageRef
from vlmcli.images.wishes import Wish

if TYPE_CHECKING:
    from PIL.Image import Image

PictureLike: TypeAlias = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, "Image"]
"""What the Python API takes for a picture. Bytes are the picture's content, never its path."""


@dataclass(frozen=True, slots=True)
class Source:
    """A place that pictures come from: how it is known, and how one is read."""

    kind: str
    """Its name; the `ImageRef.kind` that it makes and reads, where there is one."""
    matches: Callable[[object], bool]
    """Whether this argument is of this source; looks at its form only."""
    resolve: Callable[[Any, Wish], ImageRef]
    """The reference; raises early what can be known without reading."""
    read: Callable[[Any], bytes]
    """The bytes of the picture, never more than `reading.MAX_BYTES`, never none."""
