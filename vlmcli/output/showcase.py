"""A picture beside what was said about it, on a terminal that can; else the words alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from vlmcli.core import LoadedImage
from vlmcli.output.sanitize import clean_text
from vlmcli.output.streams import is_terminal, is_unicode, terminal_size

if TYPE_CHECKING:
    from rich.text import Text

PICTURE_COLUMNS, PICTURE_ROWS = 28, 10
"""Cells of a picture; each shows two pixels, one above the other."""
_LEAST_COLUMNS = 60


def shows_pictures(stream: TextIO | None = None) -> bool:
    """Whether pictures can be drawn there: a terminal with colours, half blocks and room beside them."""
    stream = sys.stdout if stream is None else stream
    if not is_terminal(stream) or os.environ.get("NO_COLOR") or not is_unicode(stream):
        return False
    return terminal_size(stream).columns >= _LEAST_COLUMNS


def show(command: str, pictures: Sequence[LoadedImage], answer: str, stream: TextIO | None = None) -> None:
    """The command as one would type it, and its answer; small `pictures` stand on the left where they can be drawn."""
    stream = sys.stdout if stream is None else stream
    if not shows_pictures(stream):
        stream.write(f"$ {command}\n{clean_text(answer)}\n\n")
        stream.flush()
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for _ in pictures:
        table.add_column(no_wrap=True)
    table.add_column(vertical="middle")
    words = Text.assemble(("$ ", "dim"), (command, "bold"), "\n\n", clean_text(answer))
    table.add_row(*(half_blocks(picture) for picture in pictures), words)
    console = Console(file=stream, highlight=False, width=terminal_size(stream).columns)
    console.print(table)
    console.print()


def draw(picture: LoadedImage, stream: TextIO | None = None) -> None:
    """The picture alone, a pixel of it half a sign high. Only where `shows_pictures`."""
    from rich.console import Console

    stream = sys.stdout if stream is None else stream
    Console(file=stream, highlight=False, width=terminal_size(stream).columns).print(half_blocks(picture))


def half_blocks(picture: LoadedImage) -> Text:
    """Two rows of pixels in a row of characters: the upper one as the colour of ▀, the lower one behind it."""
    from rich.text import Text

    text = Text()
    for y in range(0, picture.height, 2):
        if y:
            text.append("\n")
        for x in range(picture.width):
            below = f" on {_colour(picture, x, y + 1)}" if y + 1 < picture.height else ""
            text.append("▀", f"{_colour(picture, x, y)}{below}")
    return text


def _colour(picture: LoadedImage, x: int, y: int) -> str:
    at = (y * picture.width + x) * 3
    return f"#{picture.rgb[at : at + 3].hex()}"
