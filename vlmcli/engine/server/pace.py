"""How many requests a server is given at once: more while that brings more answers a second, fewer when it says stop.

Pure: it is told the time.
"""

from __future__ import annotations

START = 2
"""Enough for a server that answers one at a time to find the next one waiting."""
MOST = 64
_WORTH = 0.25
"""What share of twice as many at once must come back as more answers a second."""
_FEWEST_ANSWERS = 8
"""A rate is taken over so many answers at least, and over two rounds of all that are in work."""
_DOUBLES_TO = 16
_HOLD_ROUNDS = 6
_LONGEST_HOLD_ROUNDS = 48
_FALLEN = 0.7
_BREATH_S = 1.0
"""After an overload, however short a time it names."""


class Pace:
    """`limit` is what may be in work now, 1 to `most`. `fixed`: it begins at `most` and looks for nothing better."""

    def __init__(self, most: int = MOST, fixed: bool = False) -> None:
        self.most = max(most, 1)
        self.limit = self.most if fixed else min(START, self.most)
        self.in_work = 0
        self.not_before_s = 0.0
        self._fixed = fixed
        self._best_limit, self._best_rate = self.limit, 0.0
        self._hold, self._hold_rounds = 0, _HOLD_ROUNDS
        self._round_s: float | None = None
        self._answers, self._was_full = 0, False
        self._eased_s = float("-inf")

    def may_begin(self, now_s: float) -> bool:
        return self.in_work < self.limit and now_s >= self.not_before_s

    def began(self) -> None:
        self.in_work += 1
        self._was_full |= self.in_work >= self.limit

    def ended(self) -> None:
        """A request is not in work any more, answered or not."""
        self.in_work -= 1

    def answered(self, now_s: float) -> None:
        """One was answered well: at the end of a round, `limit` may become another."""
        if self._round_s is None:
            self._begin_round(now_s)
            return
        self._answers += 1
        if self._answers < max(_FEWEST_ANSWERS, 2 * self.limit) or now_s <= self._round_s:
            return
        rate = self._answers / (now_s - self._round_s)
        if self._was_full:
            self._regrow() if self._fixed else self._judge(rate)
        self._begin_round(now_s)

    def overloaded(self, now_s: float, retry_after_s: float | None = None) -> None:
        """The server wants less: half of it, once for all that were sent at the same time, and a rest."""
        self.not_before_s = max(self.not_before_s, now_s + max(retry_after_s or 0.0, _BREATH_S))
        if now_s < self._eased_s:
            return
        self.limit = max(self.limit // 2, 1)
        self._best_limit, self._best_rate = self.limit, 0.0
        self._hold, self._eased_s = self._hold_rounds, self.not_before_s + _BREATH_S
        self._round_s = None

    def _begin_round(self, now_s: float) -> None:
        self._round_s, self._answers, self._was_full = now_s, 0, self.in_work + 1 >= self.limit

    def _regrow(self) -> None:
        self.limit = min(self.limit + max(self.limit // 4, 1), self.most)

    def _judge(self, rate: float) -> None:
        if self._hold > 0:
            self._hold -= 1
            fallen = rate < _FALLEN * self._best_rate
            self._best_rate = rate if fallen or not self._best_rate else 0.5 * (self._best_rate + rate)
            if self._hold == 0:
                self._grow()
        elif rate > self._best_rate * (1 + _WORTH * (self.limit / self._best_limit - 1)):
            self._best_limit, self._best_rate = self.limit, rate
            self._hold_rounds = _HOLD_ROUNDS
            self._grow()
        else:  # no better than with fewer: back, and try again after a while, each time a longer one
            self.limit = self._best_limit
            self._hold = self._hold_rounds
            self._hold_rounds = min(2 * self._hold_rounds, _LONGEST_HOLD_ROUNDS)

    def _grow(self) -> None:
        more = self.limit if self.limit < _DOUBLES_TO else self.limit // 2
        self.limit = min(self.limit + max(more, 1), self.most)
