"""Whole numbers and decimals between two bounds, as GBNF: digit by digit, so that no other number can be written."""

from __future__ import annotations

MOST_DIGITS = 15
"""What every reader of JSON keeps exactly."""
LARGEST = 10**MOST_DIGITS - 1

_FRACTION = f'("." [0-9]{{1,{MOST_DIGITS}}})?'


def integers(least: int | None, most: int | None) -> str | None:
    """Integers from `least` to `most`, both included; None where there is none."""
    low, high = _clipped(least, most)
    if low > high:
        return None
    parts = []
    if low < 0:
        parts.append(f'"-" ({_positive(max(1, -high), -low)})')
    if high >= 0:
        parts.append(_positive(max(low, 0), high))
    return "(" + " | ".join(parts) + ")"


def decimals(least: int | None, most: int | None) -> str | None:
    """Numbers from `least` to `most`, which are whole themselves; None where there is none."""
    low, high = _clipped(least, most)
    if low > high:
        return None
    parts = []
    if low < 0:
        parts.append(f'"-" ({_positive_decimals(max(0, -high), -low)})')
    if high >= 0:
        parts.append(_positive_decimals(max(low, 0), high))
    return "(" + " | ".join(parts) + ")"


def _clipped(least: int | None, most: int | None) -> tuple[int, int]:
    return max(-LARGEST if least is None else least, -LARGEST), min(LARGEST if most is None else most, LARGEST)


def _positive_decimals(low: int, high: int) -> str:
    """Below `high` with any fraction, or `high` itself."""
    whole = f'({_positive(high, high)}) ("." "0"{{1,{MOST_DIGITS}}})?'
    return f"({_positive(low, high - 1)}) {_FRACTION} | {whole}" if low < high else whole


def _positive(low: int, high: int) -> str:
    """Integers of one sign, 0 included where `low` is 0: one alternative for each number of digits."""
    parts = []
    for digits in range(len(str(low)), len(str(high)) + 1):
        first = max(low, 10 ** (digits - 1) if digits > 1 else 0)
        last = min(high, 10**digits - 1)
        parts.append(_same_length(str(first), str(last)))
    return " | ".join(parts)


def _same_length(low: str, high: str) -> str:
    """Digits from `low` to `high`, which are of one length."""
    if not low:
        return '""'
    rest = len(low) - 1
    if low[1:] == "0" * rest and high[1:] == "9" * rest:
        return _digit(low[0], high[0]) + (f" [0-9]{{{rest}}}" if rest else "")
    if low[0] == high[0]:
        return f'"{low[0]}" ({_same_length(low[1:], high[1:])})'
    parts = [f'"{low[0]}" ({_same_length(low[1:], "9" * rest)})']
    if int(high[0]) - int(low[0]) > 1:
        middle = _digit(str(int(low[0]) + 1), str(int(high[0]) - 1))
        parts.append(f"{middle} [0-9]{{{rest}}}")
    parts.append(f'"{high[0]}" ({_same_length("0" * rest, high[1:])})')
    return "(" + " | ".join(parts) + ")"


def _digit(low: str, high: str) -> str:
    return f'"{low}"' if low == high else f"[{low}-{high}]"
