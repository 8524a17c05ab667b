"""Notices when an answer goes round in a loop: the same run of tokens again and again."""

from __future__ import annotations

from collections import deque

LONGEST_PERIOD = 128
FEWEST_REPEATS = 4
FEWEST_LOOPING_TOKENS = 48
"""A table may hold "0.00" ten times and a line of dots forty: a loop is longer than what pages really repeat."""


_DOUBTFUL_TOKENS = 6


class RepetitionDetector:
    """Watches tokens as they come. For every period p it counts how long each token has equalled the one p before.

    Only periods that go on are held, and they are found by where the token stood before: a few a token, not 128.
    """

    def __init__(self) -> None:
        self._count = 0
        self._places: dict[int, deque[int]] = {}  # token -> where it stood lately, oldest first
        self._runs: dict[int, int] = {}  # period -> tokens, shortest period first

    def add(self, token: int) -> None:
        count, runs = self._count, self._runs
        places = self._places.setdefault(token, deque(maxlen=LONGEST_PERIOD))
        while places and count - places[0] > LONGEST_PERIOD:
            places.popleft()
        self._runs = {count - place: runs.get(count - place, 0) + 1 for place in reversed(places)}
        places.append(count)
        self._count += 1

    def loop_start(self) -> int | None:
        """Index of the first token that only repeats, or None while there is no loop."""
        for period, run in self._runs.items():
            if run >= max(period * (FEWEST_REPEATS - 1), FEWEST_LOOPING_TOKENS - period):
                return self._count - run
        return None

    def doubtful_start(self) -> int | None:
        """Index of the first token of what may become a loop : not to be shown yet."""
        starts = [self._count - run for period, run in self._runs.items() if run >= min(period, _DOUBTFUL_TOKENS)]
        return min(starts, default=None)
