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
