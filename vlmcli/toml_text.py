"""The text of a TOML file, by statement: where a key stands, and one key changed with all else left as it was.

tomllib reads and does not write, and the libraries that write would be one more dependency for one line. This writes
one line, and reads the result back: what does not mean exactly the old values with that one changed is never returned.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Keys = tuple[str, ...]


class NotByLine(ValueError):
    """The change cannot be made by writing or taking out lines: an inline table, say, or a value where a table is."""


_KEY = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_UP_TO_VALUE = re.compile(rf"\s*{_KEY}(?:\s*\.\s*{_KEY})*\s*=\s*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")


@dataclass(frozen=True, slots=True)
class Statement:
    """A `[table]` or a `key = value` and the lines it takes: `first` up to `end`, counted from 0."""

    keys: Keys
    first: int
    end: int
    is_table: bool


def statements(lines: Sequence[str]) -> Iterator[Statement]:
    """The statements of a file that tomllib has read without complaint."""
    table: Keys = ()
    at = 0
    while at < len(lines):
        if not lines[at].strip() or lines[at].lstrip().startswith("#"):
            at += 1
            continue
        end, parsed = _statement_from(lines, at)
        is_table = lines[at].lstrip().startswith("[")
        keys = _path(parsed)
        table = keys if is_table else table
        yield Statement(keys if is_table else table + keys, at, end, is_table)
        at = end


def _statement_from(lines: Sequence[str], first: int) -> tuple[int, dict[str, Any]]:
    """The fewest lines that are TOML by themselves: a value that goes on has an open quote or bracket until its end."""
    for end in range(first + 1, len(lines) + 1):
        try:
            return end, tomllib.loads("".join(lines[first:end]))
        except tomllib.TOMLDecodeError:
            continue
    raise NotByLine(f"line {first + 1} is no statement")


def _path(parsed: Mapping[str, Any]) -> Keys:
    keys: list[str] = []
    while isinstance(parsed, dict) and len(parsed) == 1:
        key, parsed = next(iter(parsed.items()))
        keys.append(key)
    return tuple(keys)


def split_lines(text: str) -> list[str]:
    """Lines with their ends, at what TOML calls a newline and nothing else."""
    *whole, rest = text.split("\n")
    return [line + "\n" for line in whole] + ([rest] if rest else [])


def line_of(text: str, keys: Keys) -> int | None:
    """The line, from 1, that sets `keys`, or else the one of what it is part of."""
    found = list(statements(split_lines(text)))
    itself = [statement for statement in found if statement.keys == keys]
    below = [statement for statement in found if statement.keys[: len(keys)] == keys]
    around = [statement for statement in found if statement.keys and keys[: len(statement.keys)] == statement.keys]
    return next((statement.first + 1 for statement in [*itself, *below, *reversed(around)]), None)


def with_value(text: str, keys: Keys, value: str | int | float | bool) -> str:
    """`text` with `keys` set to `value`. Raises NotByLine."""
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = split_lines(text)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += newline
    found = list(statements(lines))
    own = next((statement for statement in found if statement.keys == keys and not statement.is_table), None)
    if own:
        lines[own.first : own.end] = [_replaced(lines[own.first : own.end], literal(value), newline)]
    else:
        _insert(lines, found, keys, literal(value), newline)
    return _proven("".join(lines), _changed(tomllib.loads(text), keys, value))


def without_value(text: str, keys: Keys) -> str:
    """`text` without `keys`, which may be a whole table. Raises NotByLine."""
    lines = split_lines(text)
    for statement in reversed(list(statements(lines))):
        if statement.keys[: len(keys)] == keys:
            del lines[statement.first : statement.end]
    return _proven("".join(lines), _changed(tomllib.loads(text), keys, None))


def literal(value: str | int | float | bool) -> str:
    """`value` as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return repr(value)
    import json  # late: only who writes needs it

    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _replaced(old: Sequence[str], value: str, newline: str) -> str:
    """The statement with another value; a comment behind it stays."""
    head = _UP_TO_VALUE.match(old[0])
    if head is None:
        raise NotByLine("no key")
    comment = _comment(old[-1]) if len(old) == 1 else ""
    return head[0] + value + comment + newline


def _comment(line: str) -> str:
    """The comment at the end of a one-line statement, with the space before it."""
    for found in re.finditer("#", line):
        before = line[: found.start()]
        try:
            tomllib.loads(before)
        except tomllib.TOMLDecodeError:
            continue  # this one is inside a string
        return line[len(before.rstrip()) :].rstrip()
    return ""


def _insert(lines: list[str], found: Sequence[Statement], keys: Keys, value: str, newline: str) -> None:
    """A new line at the end of its table; a new table at the end of the file."""
    table, line = keys[:-1], f"{_quoted(keys[-1])} = {value}{newline}"
    siblings = [s for s in found if (s.is_table and s.keys == table) or (not s.is_table and s.keys[:-1] == table)]
    if siblings:
        lines.insert(siblings[-1].end, line)
    elif table:
        gap = [newline] if lines and lines[-1].strip() else []
        lines += [*gap, f"[{'.'.join(map(_quoted, table))}]{newline}", line]
    else:
        at = _above_first_table(lines, found)
        lines[at:at] = [line, newline] if at < len(lines) else [line]


def _above_first_table(lines: Sequence[str], found: Sequence[Statement]) -> int:
    """Where the first table begins, with the comment that stands right above it."""
    at = next((statement.first for statement in found if statement.is_table), len(lines))
    while at < len(lines) and at > 0 and lines[at - 1].lstrip().startswith("#"):
        at -= 1
    return at


def _quoted(key: str) -> str:
    return key if _BARE_KEY.match(key) else literal(key)


def _changed(values: dict[str, Any], keys: Keys, value: Any) -> dict[str, Any]:
    """`values` with one changed, or taken out where `value` is None."""
    first, *rest = keys
    if not rest:
        return {k: v for k, v in values.items() if k != first} | ({} if value is None else {first: value})
    below = values.get(first, {})
    if not isinstance(below, dict):
        raise NotByLine(f"{first} is not a table")
    return values | {first: _changed(below, tuple(rest), value)}


def _proven(text: str, expected: Mapping[str, Any]) -> str:
    """`text`, when it means `expected` (tables without content aside)."""
    try:
        meant = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NotByLine(str(error)) from None
    if _without_empty(meant) != _without_empty(expected):
        raise NotByLine("the result would mean something else")
    return text


def _without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    pruned = {key: _without_empty(value) if isinstance(value, dict) else value for key, value in values.items()}
    return {key: value for key, value in pruned.items() if value != {}}
