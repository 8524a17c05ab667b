"""How many columns words take, on terminals that do not agree about it.

A family emoji is one sign of two columns to a new terminal and three people in a row, six columns, to an old one; the
same with flags, skin tones and the spacing vowels of Indian scripts. What is redrawn must not wrap on either, and so
it is measured as on the terminal that gives it the most.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from rich.cells import cell_len, get_character_cell_size

_ESCAPE = re.compile(r"\x1b\[[\d;]*m")
_JOINER = "\u200d"
_LONGEST_SIGN = 32


@lru_cache(4096)
def widest(line: str) -> int:
    """Columns that a line, colours and all, takes at most."""
    line = _ESCAPE.sub("", line)
    return len(line) if line.isascii() else sum(map(sign_columns, split_signs(line)))


def rows_taken(line: str, columns: int) -> int:
    """Rows that a line takes in a window so wide. A wide sign that does not fit leaves the last column empty."""
    rows, used = 1, 0
    for char in _ESCAPE.sub("", line):
        width = get_character_cell_size(char)
        if used + width > columns:
            rows, used = rows + 1, 0
        used += width
    return rows


def split_signs(text: str) -> list[str]:
    """What a reader takes for one sign each: a letter with its marks, a flag, a family."""
    signs: list[str] = []
    for char in text:
        if signs and _belongs(char, signs[-1]):
            signs[-1] += char
        else:
            signs.append(char)
    return signs


def goes_on(before: str, after: str) -> bool:
    """Whether `after` begins amid the last sign of `before`."""
    return bool(before and after) and _belongs(after[0], split_signs(before[-_LONGEST_SIGN:])[-1])


@lru_cache(4096)
def sign_columns(sign: str) -> int:
    return max(cell_len(sign), sum(map(_char_columns, sign)))


def _belongs(char: str, sign: str) -> bool:
    """Whether a character goes on with the sign before it."""
    if char.isascii():
        return False
    if _is_half_flag(char):
        return len(sign) == 1 and _is_half_flag(sign)
    marks = unicodedata.category(char) in ("Mn", "Me", "Mc") or "\U000e0020" <= char <= "\U000e007f"
    return marks or char == _JOINER or sign.endswith(_JOINER) or _is_skin_tone(char)


def _char_columns(char: str) -> int:
    if _is_half_flag(char) or _is_skin_tone(char):
        return 2  # a boxed letter, a patch of colour
    return max(get_character_cell_size(char), 1 if unicodedata.category(char) == "Mc" else 0)


def _is_half_flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _is_skin_tone(char: str) -> bool:
    return "\U0001f3fb" <= char <= "\U0001f3ff"
