"""A picture with frames drawn into it, as a file that is whole or not there."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from vlmcli.core import LoadedImage, Region
from vlmcli.errors import UsageError
from vlmcli.images import marked, to_png
from vlmcli.output import show_name
from vlmcli.output.unwritable import cannot_write
from vlmcli.whole import replacing


def draw_frames(picture: LoadedImage, boxes: Sequence[Region], path: str) -> None:
    """`picture` with a frame around each of `boxes`. Raises UsageError, OutputError."""
    check_drawing(path, ())
    data = to_png(marked(picture, boxes))
    try:
        with replacing(Path(os.path.realpath(path))) as file:  # a link keeps pointing at what it points at
            file.write(data)
    except OSError as error:
        raise cannot_write(path, error, "Name another file, in a folder that is there.") from None


def check_drawing(path: str | Path, pictures: Iterable[Path | None], option: str = "--diff") -> None:
    """Raises UsageError for the name, given by `option`, of a drawing that is no PNG file's or one of `pictures`."""
    if Path(path).suffix.lower() != ".png":
        raise UsageError(f"{show_name(str(path))} will be a PNG file.", f"Name it so: {Path(path).stem}.png")
    if any(picture is not None and _is_same(Path(path), picture) for picture in pictures):
        other = shlex.quote(f"{Path(path).stem}-marked.png")
        raise UsageError(f"{show_name(str(path))} is the picture itself.", f"{option} {other}")


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
