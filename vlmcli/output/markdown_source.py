"""Writing Markdown: names as plain words, links that hold, and answers that keep to their place in a document."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from vlmcli.output.sanitize import show_name

if TYPE_CHECKING:
    from markdown_it.token import Token

_ACTIVE = re.compile(r"[\\`*\[\]<>&~|#]|(?<!\w)_|_(?!\w)")
_HEADING = re.compile(r"#{1,6}")
_ACTING = re.compile(
    r"(?P<not>\\.|(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`)|`+)"  # an escape, code, or ticks that begin none
    r"|<(?=[A-Za-z/!?])|!(?=\[)|\[(?=[^\]]+\]:)",
    re.DOTALL,
)
_DEEPER = 2  # an answer's own headings stand below that of its picture
_DEEPEST = 6


def escape(words: str) -> str:
    """Words on one line in which nothing is Markdown."""
    return _ACTIVE.sub(lambda match: f"\\{match[0]}", show_name(words))


def link(target: str, url: bool = False) -> str:
    """A path (or a URL) as it stands between the parentheses of a link."""
    from urllib.parse import quote

    if url:
        return quote(target, safe="%/:?#&=+,;@!$'*~[]")
    return quote(os.fsencode(target.replace(os.sep, "/")), safe="/")


def fenced(text: str) -> str:
    """Text of which every sign and line counts, as a block of code that nothing in it can end."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def tame(text: str) -> str:
    """An answer's Markdown, kept from breaking out of its place.

    Its headings go down two levels and underlining makes none; code that was never closed is closed; HTML (`<STOP>`
    among it), definitions of links, and pictures that a reader's program would fetch, are words.
    """
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark", {"html": False}).disable("reference").parse(text)
    lines = text.split("\n")
    for start, end in _stretches(tokens, len(lines)):
        words = "\n".join(lines[start:end])
        lines[start:end] = _ACTING.sub(_tamed, words).split("\n")
    for heading in reversed([token for token in tokens if token.type == "heading_open"]):
        start, end = heading.map or (0, 0)
        if heading.markup.startswith("#"):
            lines[start] = _HEADING.sub(_deepened, lines[start], count=1)
        else:
            lines.insert(end - 1, "")  # or it would underline the line above
    return "\n".join([*lines, *_missing_end(tokens, lines)])


def _stretches(tokens: list[Token], count: int) -> Iterator[tuple[int, int]]:
    """The lines, from and to, that are read as one run of words; those of code are in none."""
    seen: set[int] = set()
    for token in tokens:
        if token.map and token.type in ("inline", "fence", "code_block"):
            seen |= set(range(*token.map))
            if token.type == "inline":
                yield token.map[0], token.map[1]
    yield from ((number, number + 1) for number in range(count) if number not in seen)


def _tamed(match: re.Match[str]) -> str:
    if match["not"]:
        return re.sub("\n( *)<", r"\n\1\<", match[0])  # at the beginning of a line HTML wins over code
    return f"\\{match[0]}"


def _deepened(hashes: re.Match[str]) -> str:
    return "#" * min(len(hashes[0]) + _DEEPER, _DEEPEST)


def _missing_end(tokens: list[Token], lines: list[str]) -> list[str]:
    """What closes the block of code in which the text ends. One in a list ends with the list."""
    last = tokens[-1] if tokens else None
    if last is None or last.type != "fence" or last.level or not last.map:
        return []
    end = rf" {{0,3}}{re.escape(last.markup[0])}{{{len(last.markup)},}}[ \t]*"
    closed = last.map[1] - last.map[0] > 1 and re.fullmatch(end, lines[-1])
    return [] if closed else [last.markup]
