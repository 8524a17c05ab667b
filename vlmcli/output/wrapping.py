"""Words into lines: no sign is torn, and Chinese and Japanese, which have no spaces, fill the line."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any, TextIO

from rich.console import Console, JustifyMethod
from rich.containers import Lines
from rich.text import Text

from vlmcli.output.streams import fit, is_terminal, terminal_size
from vlmcli.output.widths import split_signs, widest

_WORD = re.compile(r"\s*\S+\s*|\s+")
_CLOSING = ("Pe", "Pf", "Po", "Lm")
_OPENING = ("Ps", "Pi")


class WrappedText(Text):
    """rich's Text, set in lines by `break_offsets`."""

    def wrap(
        self, console: Console, width: int, *, justify: JustifyMethod | None = None, tab_size: int = 8, **_: Any
    ) -> Lines:
        lines = Lines()
        for line in self.split(allow_blank=True):
            line.expand_tabs(tab_size)
            parts = line.divide(break_offsets(line.plain, width))
            for part in parts:
                part.rstrip()
            if (side := justify or self.justify) in ("right", "center"):  # a column of a table
                parts.justify(console, width, side)
            lines.extend(parts)
        return lines


def break_offsets(text: str, width: int) -> list[int]:
    """Where the second and later lines of a text begin. A word wider than a line is broken between its signs."""
    offsets: list[int] = []
    used = position = 0
    for word in _words(text):
        columns = widest(word.rstrip())
        if used and used + columns > width:
            offsets.append(position)
            used = 0
        for part in split_signs(word) if columns > width else [word]:
            if used and used + widest(part.rstrip()) > width:
                offsets.append(position)
                used = 0
            used += widest(part)
            position += len(part)
    return offsets


def wrapped(text: str, width: int) -> list[str]:
    """The lines of a text, without spaces at their ends."""
    starts = [0, *break_offsets(text, width), len(text)]
    return [text[start:end].rstrip() for start, end in pairwise(starts)]


def _words(text: str) -> Iterator[str]:
    """Stretches of text between which a line may end."""
    for word in _WORD.findall(text):
        if word.isascii():
            yield word
        else:
            yield from _split_ideographs(word)


@lru_cache(1024)
def _split_ideographs(word: str) -> tuple[str, ...]:
    """A line may end before and after each ideograph; not before a closing sign (。) nor after an opening one (「)."""
    signs = split_signs(word)
    words = signs[:1]
    for before, sign in pairwise(signs):
        if _may_part(before, sign):
            words.append(sign)
        else:
            words[-1] += sign
    return tuple(words)


def _may_part(before: str, sign: str) -> bool:
    kinds = unicodedata.category(before[0]), unicodedata.category(sign[0])
    if kinds[0] in _OPENING or kinds[1] in _CLOSING or sign.isspace() or before.isspace():
        return False
    return _is_ideograph(before[0]) or _is_ideograph(sign[0])


def _is_ideograph(char: str) -> bool:
    """Wide, and no Hangul: Korean has spaces."""
    return unicodedata.east_asian_width(char) in "WF" and not "\uac00" <= char <= "\ud7a3"


def hanging_lines(facts: Iterable[tuple[str, str]], stream: TextIO) -> list[str]:
    """(what, words) as lines: words under words. Wrapped where a person reads it; a script gets whole lines."""
    shown = [(what, fit(stream, words)) for what, words in facts]
    indent = max(len(what) for what, _words in shown) + 2
    room = max(terminal_size(stream).columns - indent, 12) if is_terminal(stream) else 0
    lines: list[str] = []
    for what, words in shown:
        parts = wrapped(words, room) if room else [words.rstrip()]
        lines += [f"{what if number == 0 else '':{indent}}{part}" for number, part in enumerate(parts)]
    return lines
