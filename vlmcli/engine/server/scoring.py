"""Probabilities of labels out of the tokens that a server found likely. Pure.

Servers tell the likeliest tokens at each place of what they wrote. Where the labels part at one of these places, that
tells how likely each is; what could have been written in another place they do not tell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Place = Sequence[tuple[str, float]]
"""The likeliest tokens at a place, with the natural logarithms of their probabilities; the one written is the first."""


def label_probabilities(labels: Sequence[str], places: Sequence[Place]) -> tuple[float, ...]:
    """One for each label, adding up to 1; () where the places do not tell.

    Labels that begin with the same token are told apart at the next place, if that is the way that was written. A
    label that no likely token begins has less than the least likely of them: it gets nothing.
    """
    shares = [0.0] * len(labels)
    open_labels, share, written = set(range(len(labels))), 1.0, ""
    for place in places:
        masses: dict[frozenset[int], float] = {}
        for token, logarithm in place:
            fitting = frozenset(i for i in open_labels if _begins(labels[i], written + token))
            if fitting and (written + token).strip():
                masses[fitting] = masses.get(fitting, 0.0) + math.exp(logarithm)
        chosen = frozenset(i for i in open_labels if place and _begins(labels[i], written + place[0][0]))
        written += place[0][0] if place else ""
        total = sum(masses.values())
        if total <= 0:
            if place and chosen:
                continue  # white space, or a quote, before the label
            return ()
        for group, mass in masses.items():
            if len(group) == 1:
                shares[next(iter(group))] += share * mass / total
            elif group != chosen:
                return ()  # a way that was not taken leads to several
        if len(chosen) <= 1:
            return _normalized(shares)
        open_labels, share = set(chosen), share * masses.get(chosen, 0.0) / total
    return ()


def _begins(label: str, said: str) -> bool:
    """Whether this may be the beginning of the label, or all of it."""
    said = said.lstrip(' \n\t"▁Ġ')
    return label.startswith(said) or (said.startswith(label) and not said[len(label) :].strip(' \n\t".,'))


def _normalized(shares: Sequence[float]) -> tuple[float, ...]:
    total = sum(shares)
    return tuple(each / total for each in shares) if total > 0 else ()
