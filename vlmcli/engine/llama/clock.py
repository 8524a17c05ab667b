"""The clock of one request."""

from __future__ import annotations

import time

from vlmcli.core import Timings


class Clock:
    """Seconds of one request, from its start to its last token."""

    def __init__(self) -> None:
        self.encode_s = self.prefill_s = self.load_s = 0.0
        self._started = self._first = self._last = 0.0

    def start(self) -> None:
        self._started = time.monotonic() - self.load_s

    def token(self) -> None:
        self._last = time.monotonic()
        self._first = self._first or self._last

    def timings(self, steps: int) -> Timings:
        """`steps`: how many times the model was run after the first token."""
        decode_s = self._last - self._first
        return Timings(
            load_ms=self.load_s * 1000,
            encode_ms=self.encode_s * 1000,
            prefill_ms=self.prefill_s * 1000,
            first_token_ms=(self._first - self._started) * 1000 if self._first else 0.0,
            decode_ms=decode_s * 1000,
            tokens_per_second=steps / decode_s if decode_s > 0 and steps > 0 else 0.0,
        )
