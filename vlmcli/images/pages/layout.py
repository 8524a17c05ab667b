"""A page, and how a model sees -> what is shown to it, in reading order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, partial
from itertools import pairwise
from typing import NamedTuple

from PIL import Image

from vlmcli.core import LoadedImage
from vlmcli.core.pages import BlockKind, Box, Eyes, Page, PageBlock, PagePiece
from vlmcli.images.decode import pixels_of
from vlmcli.images.pages import ink as inks
from vlmcli.images.pages.blocks import Block, find_blocks, line_height
from vlmcli.images.pages.lines import Line, find_lines, line_em
from vlmcli.images.pages.looks import looks_of, paper_of, pieces_of, show
from vlmcli.images.pages.runs import median
from vlmcli.images.pages.skew import find_skew, turned

_LEAST_SIDE_PX = 8
"""What is narrower has no letters."""
_LEAST_SHARE_OF_TEXT = 0.6
"""Of all lines that were found, those that look like text; with fewer it is a photograph and no page."""
_CLEAR_EM, _FEW_LINES = 14.0, 10
"""Of large letters, on the smallest copy: the height of their lines, and how many lines there are."""
_STURDY_EM = 28.0
"""Pixels of the picture: in a line of this height strokes are as wide as three pixels, and outlast their middle one."""
_LARGER = 1.25
_FILLS = 0.45
_HEADING, _TITLE = 1.4, 1.9
"""Height of a heading's lines over that of most lines."""


class _Found(NamedTuple):
    block: Block
    lines: list[Line]


def lay_out(image: LoadedImage, eyes: Eyes) -> Page | None:
    """What to show of a page of text; None: the picture as it is, whose letters are large enough, or no page."""
    if min(image.width, image.height) < _LEAST_SIDE_PX or not eyes.side_px:
        return None
    for side_px in inks.SIDES_PX:
        grey, factor = inks.copy_of(image, side_px)
        if inks.is_plain(grey):
            if factor > 1 and side_px < inks.SIDES_PX[-1]:
                continue  # small letters may have been blurred away
            return Page(())
        search = _search(grey)
        if factor == 1 or search.is_clear:
            break
    if not search.found or _is_seen_whole(search.found, search.em * factor, image, eyes, factor):
        return None
    return _page(search.found, search.em * factor, search.degrees, image, eyes, factor)


class _Search(NamedTuple):
    em: float
    degrees: float
    found: list[_Found]
    is_all_text: bool = False
    """Whether no line had to be left out."""

    @property
    def is_clear(self) -> bool:
        """Whether there are a few lines of large letters only, for which nothing is gained by a larger copy.

        Lower lines beside them are the text, and what is large a drawing or the grid of a table.
        """
        lines = [line for each in self.found for line in each.lines]
        return self.is_all_text and 0 < len(lines) <= _FEW_LINES and all(_is_large(line) for line in lines)


def _is_large(line: Line) -> bool:
    return not line.dense and line.box[3] - line.box[1] >= _CLEAR_EM


def _search(grey: Image.Image) -> _Search:
    """The text on a copy; an `em` of 0.0 where there is none."""
    ink = inks.ink_of(grey)
    degrees = find_skew(ink)
    if degrees:
        ink = ink.rotate(degrees, Image.Resampling.NEAREST)
    em = line_height(ink)
    em, found, is_all = _text(ink, em) if em else (0.0, [], False)
    return _Search(em if found else 0.0, degrees, found, is_all)


def _text(ink: Image.Image, em: float, is_second: bool = False) -> tuple[float, list[_Found], bool]:
    """The height of most lines; blocks with those that look like text, none where most do not; and whether all do."""
    all_found = [_Found(block, find_lines(ink, block.box, em)) for block in find_blocks(ink, em)]
    heights = [line.box[3] - line.box[1] for each in all_found for line in each.lines if not line.dense]
    if (height := median(heights, em)) > _LARGER * em and not is_second:
        return _text(ink, height, is_second=True)  # of a few large words each strip has a letter or two
    found = [_Found(block, [line for line in lines if _is_text(ink, line, em)]) for block, lines in all_found]
    lines, text = sum(len(each.lines) for each in all_found), sum(len(each.lines) for each in found)
    letters = [sum(map(len, line.words)) for each in found for line in each.lines]
    if text < _LEAST_SHARE_OF_TEXT * lines or median(letters) < 2:
        return em, [], False
    return em, [each for each in found if each.lines], text == lines


def _is_text(ink: Image.Image, line: Line, em: float) -> bool:
    """Two letters or more, some paper between them, not much higher than other lines."""
    if line.dense:
        return True
    left, top, right, bottom = line.box
    letters = [run for word in line.words for run in word]
    if bottom - top > 4 * em or right - left < 0.3 * em:
        return False
    widest = max(run.length for run in letters)
    share = ink.crop(line.box).histogram()[255] / ((right - left) * (bottom - top))
    return widest < 4 * (bottom - top) and 0.04 < share < 0.7


def _is_one_piece(found: list[_Found], image: LoadedImage, eyes: Eyes, factor: int) -> bool:
    """Whether all there is is one piece that takes most of the picture: cut out of it it would not be much larger."""
    lines = [line for each in found for line in each.lines]
    left, top, right, bottom = lines[0].box
    if len(lines) > 1 or (right - left) * factor <= _FILLS * max(image.width, image.height):
        return False
    return len(list(pieces_of(lines[0], 0, bottom - top, eyes, found[0].block.is_table))) == 1


def _is_seen_whole(found: list[_Found], line_px: float, image: LoadedImage, eyes: Eyes, factor: int) -> bool:
    """Whether the letters are large enough, and few enough, when the whole picture is before the model's eyes."""
    reading = eyes.reading
    n_lines = sum(len(each.lines) for each in found)
    scale = min(1.0, eyes.side_px / max(image.width, image.height))
    if _is_one_piece(found, image, eyes, factor):
        return True
    if reading.line_px > line_px * scale:
        # A picture as small as the eyes cannot be shown any better, but for the few words that a model reads at once.
        return scale == 1.0 and not reading.rows
    return not reading.rows or n_lines <= reading.rows


def _page(found: list[_Found], em: float, degrees: float, image: LoadedImage, eyes: Eyes, factor: int) -> Page:
    """`em`: the height of a line in pixels of the picture; `found` is in those of its smaller copy."""
    blocks: list[PageBlock] = []
    boxes: list[Box] = []
    looks: list[tuple[PagePiece, ...]] = []
    back = partial(_back, degrees=degrees, size=(image.width, image.height), factor=factor)
    for block, lines in found:
        own_em = median([line.box[3] - line.box[1] for line in lines if not line.dense], em / factor)
        tops = [line.box[1] for line in lines]
        pitch = median([b - a for a, b in pairwise(tops)], 1.4 * own_em)
        first = len(boxes)
        pieces = [
            replace(piece, box=_times(piece.box, factor))
            for i, line in enumerate(lines)
            for piece in pieces_of(line, first + i, line_em(line.box, own_em), eyes, block.is_table)
        ]
        boxes += [back(line.box) for line in lines]
        kind, level = _kind(block, lines, own_em * factor / em)
        blocks.append(PageBlock(kind, back(block.box), range(first, len(boxes)), level))
        looks += looks_of(pieces, pitch, own_em, eyes)
    straight = lru_cache(maxsize=1)(partial(_straight, image, degrees, em))
    return Page(
        tuple(blocks),
        tuple(boxes),
        tuple(looks),
        lambda pieces: show(straight(), pieces, _height_of(pieces, em), eyes, image.name),
    )


def _height_of(pieces: Sequence[PagePiece], em: float) -> float:
    return median([piece.box[3] - piece.box[1] for piece in pieces if not piece.dense], em)


def _kind(block: Block, lines: list[Line], height: float) -> tuple[BlockKind, int]:
    if block.is_table:
        return "table", 0
    if len(lines) <= 2 and height >= _HEADING:
        return "heading", 1 if height >= _TITLE else 2
    return "text", 0


def _times(box: Box, factor: int) -> Box:
    left, top, right, bottom = box
    return left * factor, top * factor, right * factor, bottom * factor


def _back(box: Box, degrees: float, size: tuple[int, int], factor: int) -> Box:
    """A box of the straightened copy as one of the picture: what holds its turned corners."""
    left, top, right, bottom = _times(box, factor)
    corners = [turned(corner, degrees, size) for corner in ((left, top), (right, top), (left, bottom), (right, bottom))]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return (
        max(0, round(min(xs))),
        max(0, round(min(ys))),
        min(size[0], round(max(xs))),
        min(size[1], round(max(ys))),
    )


def _straight(image: LoadedImage, degrees: float, em: float) -> Image.Image:
    """The page as its pieces are cut out of it."""
    pixels = pixels_of(image)
    if em >= _STURDY_EM:
        pixels = inks.without_grain(pixels)
    if not degrees:
        return pixels
    return pixels.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=paper_of(pixels.reduce(8)))
