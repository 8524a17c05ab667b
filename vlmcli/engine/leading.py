"""What a model says before it names a label: "The background is" before "red". Pure."""

from __future__ import annotations

import re

from vlmcli.core import Choices


def scored_choices(labels: tuple[str, ...], said: str) -> Choices | None:
    """The labels in the place of the one that a free answer has first, whole and in any case; None where it has none.

    They begin with a capital where that one does, and else with none.
    """
    found = [(match.start(), -len(label), label) for label in labels if (match := _find(label, said))]
    if not found:
        return None
    start, _, label = min(found)
    return Choices(labels if said[start] == label[0] else turned(labels, said[start]), said[:start].rstrip())


def turned(labels: tuple[str, ...], like: str) -> tuple[str, ...]:
    """The labels beginning with a capital, or without, as `like` is; as they are where two would become one."""
    turn = str.upper if like.isupper() else str.lower
    spelled = tuple(turn(label[0]) + label[1:] for label in labels)
    return spelled if len(set(spelled)) == len(spelled) else labels


def _find(label: str, said: str) -> re.Match[str] | None:
    return re.search(rf"(?<!\w){re.escape(label)}(?!\w)", said, re.IGNORECASE)
