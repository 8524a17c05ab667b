"""Nodes and words -> GBNF, as plain text or as what stands inside a JSON string."""

from __future__ import annotations

from collections.abc import Callable

from vlmcli.errors import UsageError
from vlmcli.grammar import chars
from vlmcli.grammar.chars import Ranges
from vlmcli.grammar.nodes import Alternatives, Node, OneOf, Repeat, Row

_ESCAPED = {'"': r"\"", "\\": r"\\", "\n": r"\n", "\t": r"\t"}
_RAW_IN_JSON = chars.both(chars.TEXT, chars.without(chars.normal((ord(c), ord(c)) for c in _ESCAPED)))


def literal(text: str) -> str:
    """`"text"` in GBNF."""
    return '"' + "".join(c if c.isascii() and (c.isalnum() or c in " _") else _escape(ord(c)) for c in text) + '"'


def write_text(node: Node) -> str:
    """A node as an answer in plain words."""
    return _write(node, lambda ranges: _class_of(chars.both(ranges, chars.TEXT)))


def write_in_json(node: Node) -> str:
    """A node as the inside of a JSON string."""
    return _write(node, _set_in_json)


def repeated(expression: str, least: int, most: int | None) -> str:
    """`expression{least,most}`; it must be one element."""
    if (least, most) == (1, 1):
        return expression
    short = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((least, most))
    bounds = f"{least}" if least == most else f"{least},{'' if most is None else most}"
    return expression + (short or f"{{{bounds}}}")


def _write(node: Node, write_set: Callable[[Ranges], str]) -> str:
    if isinstance(node, OneOf):
        return write_set(node.ranges)
    if isinstance(node, Repeat):
        return '""' if node.most == 0 else repeated(_as_one(node.node, write_set), node.least, node.most)
    if isinstance(node, Row):
        return " ".join(_as_one(each, write_set) for each in node.nodes) or '""'
    return "(" + " | ".join(_write(each, write_set) for each in node.nodes) + ")"


def _as_one(node: Node, write_set: Callable[[Ranges], str]) -> str:
    """In parentheses where something beside it would change it."""
    written = _write(node, write_set)
    return written if isinstance(node, OneOf | Alternatives) else f"({written})"


def _set_in_json(ranges: Ranges) -> str:
    """The characters as they are, and those that JSON wants escaped as their escapes."""
    raw = chars.both(ranges, _RAW_IN_JSON)
    escaped = [literal(to) for c, to in _ESCAPED.items() if chars.both(ranges, ((ord(c), ord(c)),))]
    parts = ([_class_of(raw)] if raw or not escaped else []) + escaped
    return parts[0] if len(parts) == 1 else "(" + " | ".join(parts) + ")"


def _class_of(ranges: Ranges) -> str:
    if not ranges:
        raise UsageError(
            "A pattern asks for a character that vlm never writes (a control character, or none at all).",
            "Leave it out of the pattern.",
        )
    return "[" + "".join(_escape(a) + (f"-{_escape(b)}" if b > a else "") for a, b in ranges) + "]"


def _escape(code: int) -> str:
    if chr(code).isascii() and chr(code).isalnum():
        return chr(code)
    if code < 0x100:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
