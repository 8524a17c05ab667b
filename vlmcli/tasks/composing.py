"""What was read of the pieces of a page -> its text, in reading order and in the wanted style."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from vlmcli.core import Confidence, Page, PagePiece, TextBlock, TextLine
from vlmcli.core.pages import PageBlock
from vlmcli.tasks.seams import without_doubles

CELL = "\t"
_BULLET = re.compile(r"[•◦▪‣·●○∙*][ \t]*(?=\S)")


def compose(page: Page, read: Sequence[TextLine], style: str) -> str:
    """The text of all lines of which every piece was read. `read` has the first pieces of the page, in order.

    With more pieces the text only grows.
    """
    words = dict(_lines(page, read))
    parts: list[str] = []
    for block in page.blocks:
        lines = [text for number in block.lines if (text := words.get(number, ""))]
        if lines:
            parts.append(("\n\n" if parts else "") + _block(block, lines, style))
    return "".join(parts)


def blocks_of(page: Page, read: Sequence[TextLine], style: str) -> tuple[TextBlock, ...]:
    """The blocks in which anything was read, with their lines."""
    words, found = dict(_lines(page, read)), []
    sure = _confidences(page, read)
    for block in page.blocks:
        lines = [TextLine(words[i], page.line_boxes[i], sure.get(i)) for i in block.lines if words.get(i)]
        if lines:
            text = _block(block, [line.text for line in lines], style)
            found.append(TextBlock(block.kind, text, block.box, tuple(lines)))
    return tuple(found)


def _lines(page: Page, read: Sequence[TextLine]) -> Iterator[tuple[int, str]]:
    """(number of the line, its text) of each line that was read to its end."""
    pieces = [piece for look in page.looks for piece in look]
    unread = pieces[len(read)].line if len(read) < len(pieces) else None
    for number, group in groupby(zip(pieces, read, strict=False), key=lambda pair: pair[0].line):
        if number != unread:
            yield number, _joined(list(group))


def _joined(pairs: list[tuple[PagePiece, TextLine]]) -> str:
    if pairs[0][0].dense:
        return "\n".join(without_doubles([line.text.splitlines() for _, line in pairs]))
    text = ""
    for piece, line in pairs:
        words = line.text.replace(CELL, " ")
        joint = piece.joint if piece.joint != " " or (text and words) else ""
        text += joint + words
    return text.rstrip(" ") if text.strip() else ""


def _block(block: PageBlock, lines: list[str], style: str) -> str:
    if block.kind == "table" and style in ("markdown", "table"):
        return "\n".join(_table(lines))
    if style == "markdown" and block.kind == "heading":
        return "#" * max(block.level, 1) + " " + " ".join(lines)
    if style == "markdown":
        return "\n".join(_BULLET.sub("- ", line, count=1) if _BULLET.match(line) else line for line in lines)
    return "\n".join(lines)


def _table(lines: Iterable[str]) -> Iterator[str]:
    width = 0
    for line in lines:
        cells = [cell.strip().replace("|", "\\|") for cell in line.split(CELL)]
        cells += [""] * (width - len(cells))
        yield "| " + " | ".join(cells) + " |"
        if not width:
            width = len(cells)
            yield "|" + " --- |" * width


def _confidences(page: Page, read: Sequence[TextLine]) -> dict[int, Confidence]:
    """Of each line: the mean of its pieces, and the lowest of them."""
    of_lines: dict[int, list[Confidence]] = {}
    for piece, line in zip((piece for look in page.looks for piece in look), read, strict=False):
        if line.confidence is not None and line.text:
            of_lines.setdefault(piece.line, []).append(line.confidence)
    return {
        number: replace(each[0], mean=sum(c.mean for c in each) / len(each), lowest=min(c.lowest for c in each))
        for number, each in of_lines.items()
    }
