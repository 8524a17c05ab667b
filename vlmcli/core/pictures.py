"""Pictures: where one is said to be, and its pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class ImageRef:
    """Where a picture is said to be. `name` is what the user typed, and what every message calls it."""

    name: str
    kind: Literal["file", "stdin", "memory"] = "file"
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a picture, in its pixels, from the top left."""

    x: int
    y: int
    width: int
    height: int

    @property
    def edges(self) -> tuple[int, int, int, int]:
        """(left, top, right, bottom), right and bottom beyond the last pixel: as boxes are written everywhere."""
        return self.x, self.y, self.x + self.width, self.y + self.height


@dataclass(frozen=True, slots=True)
class LoadedImage:
    """Upright 8-bit RGB pixels: `rgb` holds `height` rows of `width` pixels of 3 bytes, no padding."""

    name: str
    width: int
    height: int
    rgb: bytes = field(repr=False)
    digest: str
    """SHA-256 (hex) of the size and the pixels: equal pictures are equal whatever file they came in."""
    format: str = ""
    """What the bytes were, as Pillow names it: JPEG, PNG, …"""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two pictures of one size differ by more than noise, and how to see one of those places in each."""

    regions: tuple[Region, ...]
    """The largest first."""
    identical: bool
    """Not one pixel differs."""
    share: float
    """What the regions take of the picture's area, 0 to 1."""
    crops: tuple[tuple[LoadedImage, LoadedImage], ...] = ()
    """The largest regions with what is around them, from the one and from the other picture."""
