"""Notices when an answer goes round in a loop: the same run of tokens again and again."""

from __future__ import annotations

LONGEST_PERIOD = 128
FEWEST_REPEATS = 4
FEWEST_LOOPING_TOKENS = 48
"""A table may hold "0.00" ten times and a line of dots forty: a loop is longer than what pages really repeat."""


_DOUBTFUL_TOKENS = 6


class RepetitionDetector:
    """Watches tokens as they come. For every period p it counts how long each token has equalled the one p before."""

    def __init__(self) -> None:
        self._tokens: list[int] = []
        self._runs = [0] * (LONGEST_PERIOD + 1)

    def add(self, token: int) -> None:
        tokens, runs, count = self._tokens, self._runs, len(self._tokens)
        for period in range(1, min(count, LONGEST_PERIOD) + 1):
            runs[period] = runs[period] + 1 if tokens[count - period] == token else 0
        tokens.append(token)

    def loop_start(self) -> int | None:
        """Index of the first token that only repeats, or None while there is no loop."""
        for period, run in enumerate(self._runs):
            if period and run >= max(period * (FEWEST_REPEATS - 1), FEWEST_LOOPING_TOKENS - period):
                return len(self._tokens) - run
        return None

    def doubtful_start(self) -> int | None:
        """Index of the first token of what may become a loop : not to be shown yet."""
        starts = [
            len(self._tokens) - run
            for period, run in enumerate(self._runs)
            if period and run >= min(period, _DOUBTFUL_TOKENS)
        ]
        return min(starts) if starts else None
