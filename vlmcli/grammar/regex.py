"""A regular expression -> nodes. The subset that a grammar can hold an answer to; the rest is refused by its name."""

from __future__ import annotations

from collections.abc import Callable

from vlmcli.errors import UsageError
from vlmcli.grammar import chars
from vlmcli.grammar.chars import Ranges
from vlmcli.grammar.nodes import ANYTHING, Alternatives, Node, OneOf, Repeat, Row, may_be_empty, never_empty

MOST_REPEATS = 2000
"""What llama.cpp takes."""


_SINGLE = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "0": "\0", "a": "\a"}
_REFUSED_GROUPS = {
    "?=": "a lookahead (?=…)",
    "?!": "a lookahead (?!…)",
    "?<=": "a lookbehind (?<=…)",
    "?<!": "a lookbehind (?<!…)",
    "?>": "an atomic group (?>…)",
    "?P=": "a reference (?P=…)",
    "?P>": "a recursion (?P>…)",
    "?(": "a condition (?(…)…)",
    "?#": "a comment (?#…)",
}


def parse_regex(text: str, whole: bool) -> Node:
    """`whole`: all of the answer matches; else, as in JSON Schema, some part of it does unless ^ and $ say otherwise.

    Raises UsageError naming what is not supported.
    """
    return _Parser(text, whole).parse()


class _Parser:
    def __init__(self, text: str, whole: bool) -> None:
        self._text, self._whole, self._at = text, whole, 0

    def parse(self) -> Node:
        node = self._alternatives(top=True)
        if self._at < len(self._text):
            raise self._refuse("a ) that closes nothing")
        return node

    # --- structure ------------------------------------------------------------------------------------------

    def _alternatives(self, top: bool = False) -> Node:
        found = [self._sequence(top)]
        while self._take("|"):
            found.append(self._sequence(top))
        return found[0] if len(found) == 1 else Alternatives(tuple(found))

    def _sequence(self, top: bool) -> Node:
        from_start = top and self._take("^")
        nodes: list[Node] = []
        to_end = False
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            if top and self._is_last_dollar():
                self._at += 1
                to_end = True
                break
            nodes.append(self._repeated(self._atom()))
        if top and not self._whole:
            nodes = [*([] if from_start else [ANYTHING]), *nodes, *([] if to_end else [ANYTHING])]
        return nodes[0] if len(nodes) == 1 else Row(tuple(nodes))

    def _is_last_dollar(self) -> bool:
        return self._text[self._at] == "$" and self._text[self._at + 1 : self._at + 2] in ("", "|")

    def _repeated(self, node: Node) -> Node:
        while (count := self._count()) is not None:
            least, most = count
            if least > MOST_REPEATS or (most or 0) > MOST_REPEATS:
                raise UsageError(
                    f"The pattern {self._text!r} repeats something more than {MOST_REPEATS} times.", "Ask for fewer."
                )
            if most is not None and most < least:
                raise self._refuse("a repetition whose numbers are the wrong way round")
            if self._take("+"):
                raise self._refuse("a possessive repetition")
            self._take("?")  # lazy: the same texts match
            node = self._repeat(node, least, most)
        return node

    def _repeat(self, node: Node, least: int, most: int | None) -> Node:
        if may_be_empty(node) and most != 0:
            inner = never_empty(node)
            if inner is None:
                raise self._refuse("a repetition of what may be empty")
            node, least = inner, 0
        return Repeat(node, least, most)

    def _count(self) -> tuple[int, int | None] | None:
        for sign, count in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._take(sign):
                return count
        end = self._text.find("}", self._at)
        if self._text[self._at : self._at + 1] != "{" or end < 0:
            return None
        least, comma, most = self._text[self._at + 1 : end].partition(",")
        if not least.isdecimal() or (most and not most.isdecimal()):
            raise self._refuse("a { that counts nothing (a plain one is written \\{)")
        self._at = end + 1
        return int(least), (int(most) if most else None) if comma else int(least)

    def _atom(self) -> Node:
        sign = self._text[self._at]
        if sign == "(":
            return self._group()
        self._at += 1
        if sign == "[":
            return self._class()
        if sign == "\\":
            return OneOf(self._escape(negated=False))
        if sign == ".":
            return OneOf(chars.without(((0x0A, 0x0A), (0x0D, 0x0D))))
        if sign in "^$":
            raise self._refuse(f"a {sign} in its middle")
        if sign in "*+?{":
            raise self._refuse(f"a {sign} that repeats nothing")
        return OneOf(((ord(sign), ord(sign)),))

    def _group(self) -> Node:
        self._at += 1
        rest = self._text[self._at :]
        for start, name in _REFUSED_GROUPS.items():
            if rest.startswith(start):
                raise self._refuse(name)
        if rest.startswith(("?P<", "?<")):
            self._at = self._text.find(">", self._at) + 1 or len(self._text)
        elif not self._take("?:") and rest.startswith("?"):
            raise self._refuse("flags (?…)")
        node = self._alternatives()
        if not self._take(")"):
            raise self._refuse("a ( that is not closed")
        return node

    # --- characters -----------------------------------------------------------------------------------------

    def _class(self) -> Node:
        negated = self._take("^")
        ranges: list[tuple[int, int]] = []
        first = True
        while first or not self._take("]"):
            if self._at >= len(self._text):
                raise self._refuse("a [ that is not closed")
            start = self._member(negated)
            if self._text[self._at : self._at + 1] == "-" and self._text[self._at + 1 : self._at + 2] not in ("]", ""):
                self._at += 1
                end = self._member(negated)
                if not (_is_single(start) and _is_single(end)) or end[0][0] < start[0][0]:
                    raise self._refuse("a range of characters that is none")
                start = ((start[0][0], end[0][0]),)
            ranges += start
            first = False
        found = chars.normal(ranges)
        return OneOf(chars.without(found) if negated else found)

    def _member(self, negated: bool) -> Ranges:
        sign = self._text[self._at]
        self._at += 1
        if sign == "[" and self._text[self._at : self._at + 1] == ":":
            raise self._refuse("a named class [:…:]")
        return self._escape(negated, in_class=True) if sign == "\\" else ((ord(sign), ord(sign)),)

    def _escape(self, negated: bool, in_class: bool = False) -> Ranges:
        """What an escape stands for. Dialects differ about \\d, \\w and \\s: taken is what fits in all of them."""
        if self._at >= len(self._text):
            raise self._refuse("a \\ at its end")
        sign = self._text[self._at]
        self._at += 1
        if sign.lower() in _SHORTHANDS:
            surely, maybe = _SHORTHANDS[sign.lower()]
            if sign.islower():
                return maybe() if negated else surely
            return chars.without(surely) if negated else chars.without(maybe())
        if sign in "xuU":
            return self._code({"x": 2, "u": 4, "U": 8}[sign])
        if sign == "b" and in_class:
            return ((8, 8),)
        if sign in _SINGLE:
            return ((ord(_SINGLE[sign]), ord(_SINGLE[sign])),)
        if sign.isalnum():
            raise self._refuse(f"\\{sign}")
        return ((ord(sign), ord(sign)),)

    def _code(self, digits: int) -> Ranges:
        code = self._text[self._at : self._at + digits]
        try:
            number = int(code, 16)
        except ValueError:
            number = -1
        if len(code) < digits or not 0 <= number <= chars.LAST:
            raise self._refuse("a \\ with a number that is none")
        self._at += digits
        return ((number, number),)

    def _take(self, sign: str) -> bool:
        if self._text.startswith(sign, self._at):
            self._at += len(sign)
            return True
        return False

    def _refuse(self, what: str) -> UsageError:
        return UsageError(
            f"The pattern {self._text!r} has {what}, which vlm cannot hold an answer to.",
            "Letters, [classes], (groups), |, ?, *, +, {m,n}, \\d, \\w and \\s can be used.",
        )


_SHORTHANDS: dict[str, tuple[Ranges, Callable[[], Ranges]]] = {
    "d": (chars.DIGIT, chars.any_digit),
    "w": (chars.WORD, chars.any_word),
    "s": (chars.SPACE, chars.any_space),
}
"""What is such a character in all dialects, and what in any."""


def _is_single(ranges: Ranges) -> bool:
    return len(ranges) == 1 and ranges[0][0] == ranges[0][1]
