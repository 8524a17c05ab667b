"""A page of text: what of it is shown to a model at once, and what was read where.

Boxes are (left, top, right, bottom) in pixels, right and bottom beyond the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from vlmcli.core.events import Confidence
from vlmcli.core.pictures import LoadedImage

Box = tuple[int, int, int, int]
BlockKind = Literal["text", "heading", "table"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What text a family was trained to read in one look. Zeros: no limit but the size of its eyes."""

    line_px: int = 0
    """The least height of a line, tall and low letters together, in pixels of the encoder; 0: from its patches."""
    rows: int = 0
    words: int = 0
    letters: int = 0
    no_text: tuple[str, ...] = ()
    """What it says of a picture without text."""


@dataclass(frozen=True, slots=True)
class Eyes:
    """How a model sees. `side_px`: the longer side at which a picture reaches its encoder; 0: not known."""

    side_px: int
    reading: Reading


@dataclass(frozen=True, slots=True)
class PagePiece:
    """A line of a page, or as much of one as the model sees at once.

    `line`: the number of its line on the page, in reading order; `joint`: what stands between it and the piece before
    it on the same line. `dense`: not one line but a band of lines that could not be told apart, which overlaps with
    the next.
    """

    line: int
    box: Box
    joint: str = ""
    dense: bool = False


@dataclass(frozen=True, slots=True)
class PageBlock:
    """Lines that belong together: `lines` are their numbers on the page."""

    kind: BlockKind
    box: Box
    lines: range
    level: int = 0
    """Of a heading: 1 for the largest."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it is shown: a look after the other, in reading order. Without blocks it has no text.

    `line_boxes` and the blocks' boxes are of the upright picture; those of the pieces of the straightened one.
    """

    blocks: tuple[PageBlock, ...]
    line_boxes: tuple[Box, ...] = ()
    looks: tuple[tuple[PagePiece, ...], ...] = ()
    show: Callable[[Sequence[PagePiece]], LoadedImage] | None = field(default=None, repr=False)
    """The picture of the pieces of one look, each in a row of its own."""


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line that was read. `box` is of the upright picture."""

    text: str
    box: Box
    confidence: Confidence | None = None


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Lines that belong together, as they were read."""

    kind: BlockKind
    text: str
    box: Box
    lines: tuple[TextLine, ...]
