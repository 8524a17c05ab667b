"""What a regular expression is made of, and which of it may be nothing at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vlmcli.grammar import chars
from vlmcli.grammar.chars import Ranges


@dataclass(frozen=True, slots=True)
class OneOf:
    """One character of a set."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Row:
    """One after the other; empty: nothing."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """One of these."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`most` None: without end."""

    node: Node
    least: int
    most: int | None


Node = OneOf | Row | Alternatives | Repeat
NOTHING = Row(())
ANY = OneOf(chars.TEXT)
ANYTHING = Repeat(ANY, 0, None)


def may_be_empty(node: Node) -> bool:
    if isinstance(node, OneOf):
        return False
    if isinstance(node, Repeat):
        return node.least == 0 or may_be_empty(node.node)
    return (all if isinstance(node, Row) else any)(may_be_empty(each) for each in node.nodes)


def never_empty(node: Node) -> Node | None:
    """The same texts but the empty one; None where that is too hard to say."""
    if isinstance(node, Repeat) and not may_be_empty(node.node) and node.most != 0:
        return Repeat(node.node, max(node.least, 1), node.most)
    if isinstance(node, Alternatives):
        found: Sequence[Node | None] = [
            n if not may_be_empty(n) else never_empty(n) for n in node.nodes if n != NOTHING
        ]
        return Alternatives(tuple(n for n in found if n)) if found and all(found) else None
    return None if may_be_empty(node) else node
