"""One time limit for all the questions about a picture."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(slots=True)
class Clock:
    """The time that there is for a picture, from when it is first asked about: it starts with the first `left_s`."""

    timeout_s: float | None
    _started: float | None = None

    def left_s(self) -> float | None:
        """None: there is no limit."""
        if self.timeout_s is None:
            return None
        now = time.monotonic()
        self._started = self._started or now
        return max(self.timeout_s - (now - self._started), 0.0)
