"""A picture with frames drawn into it, as a file that is whole or not there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vlmcli.core import LoadedImage, Region
from vlmcli.images import marked, to_png
from vlmcli.output.whole import check_drawing, write_whole


def draw_frames(picture: LoadedImage, boxes: Sequence[Region], path: str) -> None:
    """`picture` with a frame around each of `boxes`. Raises UsageError, OutputError."""
    check_drawing(path, ())
    write_whole(Path(path), to_png(marked(picture, boxes)))
