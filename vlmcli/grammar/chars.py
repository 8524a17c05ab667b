"""Sets of characters as sorted ranges of code points, and the sets that shorthands of regular expressions stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

Ranges = tuple[tuple[int, int], ...]
"""(first, last) each, ascending, with gaps between them."""

LAST = 0x10FFFF

TEXT: Ranges = (
    (0x09, 0x0A),
    (0x20, 0x7E),
    (0xA0, 0x2027),
    (0x202F, 0x2065),
    (0x206A, 0xD7FF),
    (0xE000, 0xFDCF),
    (0xFDF0, 0xFEFE),
    (0xFF00, 0xFFFD),
    (0x10000, LAST),
)
"""What an answer may hold: no control characters but tab and newline, and nothing that turns a line round."""

DIGIT: Ranges = ((0x30, 0x39),)
WORD: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
SPACE: Ranges = ((0x09, 0x0A), (0x20, 0x20))
"""What every dialect of regular expressions takes for a digit, a letter and a space."""


def normal(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Sorted, with what touches joined."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(joined[-1][1], last)
        else:
            joined.append((first, last))
    return tuple(joined)


def without(ranges: Ranges) -> Ranges:
    """All other characters."""
    gaps, start = [], 0
    for first, last in ranges:
        if start < first:
            gaps.append((start, first - 1))
        start = last + 1
    return (*gaps, (start, LAST)) if start <= LAST else tuple(gaps)


def both(a: Ranges, b: Ranges) -> Ranges:
    """What is in both."""
    found = ((max(x[0], y[0]), min(x[1], y[1])) for x in a for y in b)
    return normal((first, last) for first, last in found if first <= last)


@cache
def any_digit() -> Ranges:
    """What some dialect takes for a digit."""
    return _all(str.isdecimal)


@cache
def any_word() -> Ranges:
    """What some dialect takes for a letter: Python's and those of ECMAScript."""
    return _all(lambda c: c.isalnum() or c == "_")


@cache
def any_space() -> Ranges:
    """What some dialect takes for a space; U+FEFF is one in ECMAScript alone."""
    return normal([*_all(str.isspace), (0xFEFF, 0xFEFF)])


def _all(is_one: Callable[[str], bool]) -> Ranges:
    return normal((code, code) for code in range(LAST + 1) if is_one(chr(code)))
