"""Two settings side by side, and now against last time: ratios, how far they spread, and whether that is noise."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["better", "worse", "within the noise", "too few rounds to tell"]

LEAST_ROUNDS = 3
"""With fewer, two settings that are the same look different too often."""
_LEAST_DIFFERENCE = 0.02
"""A difference below this is nobody's business, however steady it is."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """Of the second to the first; `least` and `most` of all rounds."""

    ratio: float
    least: float
    most: float
    verdict: Verdict


def paired(first: Sequence[float], second: Sequence[float], more_is_better: bool) -> Ratio | None:
    """`first[i]` and `second[i]` were measured one after the other. None: there is no such pair.

    A difference counts where every round shows it, and by 2 % at the least.
    """
    ratios = [b / a for a, b in zip(first, second, strict=False) if a]
    if not ratios:
        return None
    least, most = min(ratios), max(ratios)
    verdict: Verdict = "within the noise"
    if len(ratios) < LEAST_ROUNDS:
        verdict = "too few rounds to tell"
    elif least > 1 + _LEAST_DIFFERENCE or most < 1 - _LEAST_DIFFERENCE:
        verdict = "better" if (least > 1) == more_is_better else "worse"
    return Ratio(statistics.median(ratios), least, most, verdict)


def change(before: Sequence[float], now: Sequence[float], more_is_better: bool) -> Ratio | None:
    """Two runs at different times: medians against each other. It is noise where their values overlap."""
    if not before or not now or not min(before):
        return None
    least, most = min(now) / max(before), max(now) / min(before)
    ratio = statistics.median(now) / statistics.median(before)
    verdict: Verdict = "within the noise"
    if min(len(before), len(now)) < LEAST_ROUNDS:
        verdict = "too few rounds to tell"
    elif (least > 1 or most < 1) and abs(ratio - 1) > _LEAST_DIFFERENCE:
        verdict = "better" if (least > 1) == more_is_better else "worse"
    return Ratio(ratio, least, most, verdict)
