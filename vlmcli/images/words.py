"""How a picture is called in a sentence: printable whatever its name is made of."""

from __future__ import annotations

import shlex

from vlmcli.core import ImageRef

_LONGEST = 200
"""Characters of a name that a sentence shows; a name can be a whole data: URI."""


def printable(text: str) -> str:
    """`text` with control characters, bidirectional marks and undecodable bytes spelled out: `\\n`, `\\xff`."""
    shown = "".join(c if c.isprintable() else _spelled(c) for c in text)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST // 2] + "…" + shown[-_LONGEST // 2 :]


def _spelled(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # a byte that was no text (surrogateescape)
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def quoted(text: str) -> str:
    """`text` as a shell takes it, for commands in hints."""
    return shlex.quote(printable(text))


def called(ref: ImageRef) -> str:
    """The picture as the first words of a sentence."""
    return "Standard input" if ref.kind == "stdin" else printable(ref.name)


def lacks(count: int, thing: str, number: int) -> str:
    """`has 3 pages, and no page 7.`"""
    return f"has {f'one {thing}' if count == 1 else f'{count:,} {thing}s'}, and no {thing} {number:,}."
