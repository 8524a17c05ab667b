"""The turns of phrase that answers are made of."""

from __future__ import annotations

from .world import PLACES

NUMBERS = ["no", "one", "two", "three", "four", "five", "six"]


def a(words: str) -> str:
    return ("an " if words[0] in "aeiou" else "a ") + words


def at(place: int) -> str:
    return "in the center" if PLACES[place] == "center" else f"at the {PLACES[place]}"


def join(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def first_upper(text: str) -> str:
    return text[0].upper() + text[1:]


def plural(n: int, noun: str) -> str:
    return f"There is one {noun}." if n == 1 else f"There are {NUMBERS[n]} {noun}s."


def printed(string: str) -> str:
    """Printed text as an answer holds it: between two marks, spelled in single characters."""
    return f"\x01{string}\x02"
