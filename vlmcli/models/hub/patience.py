"""How often and how long to wait for a server that does not answer as it should."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

FIRST_S = 1.0
LONGEST_S = 30.0
TRIES = 6
"""Attempts without a single new byte, over a minute in all, before it is given up."""
LONGEST_ASKED_S = 300.0
"""The Hub counts requests over five minutes: it never asks for more. Whoever does is not waited for."""

_RESET = re.compile(r";\s*r\s*=\s*0\s*;\s*t\s*=\s*(\d+)")


class Patience:
    """Counts attempts that brought nothing. Progress gives it back."""

    def __init__(self, tries: int | None = None) -> None:
        self.tries = TRIES if tries is None else tries
        self._failed = 0

    def restore(self) -> None:
        self._failed = 0

    def next_wait_s(self, asked_s: float | None = None) -> float | None:
        """Seconds until the next attempt: what the server asked for, or twice as long each time. None: it is over."""
        self._failed += 1
        if self._failed >= self.tries or (asked_s is not None and asked_s > LONGEST_ASKED_S):
            return None
        if asked_s is not None:
            return asked_s + FIRST_S * random.random()
        # Jitter: whoever was cut off together does not come back together.
        return min(LONGEST_S, FIRST_S * 2.0 ** (self._failed - 1)) * random.uniform(0.75, 1.25)


def asked_wait_s(headers: Mapping[str, str]) -> float | None:
    """Retry-After, in seconds or as a date, or what is left of the Hub's window for requests."""
    said = headers.get("Retry-After", "").strip()
    if said.isdecimal():
        return float(said)
    if said:
        try:
            return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
        except (ValueError, OverflowError):
            return None
    reset = _RESET.search(headers.get("RateLimit", ""))
    return float(reset.group(1)) if reset else None
