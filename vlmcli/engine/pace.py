"""How fast a model looked and read on this machine the last time: what estimates are made from.

A line of numbers for each model, in the platform's folder for such things. Only what was really computed counts: not
rows from the cache.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import asdict, dataclass

from vlmcli.cache import digest_of
from vlmcli.core import ModelFiles
from vlmcli.engine.identity import rows_identity
from vlmcli.state import keep, state_path


@dataclass(slots=True)
class Pace:
    """Sums over one run. `measured_at`: seconds since 1970, when it ended."""

    tiles: int = 0
    encode_tokens: int = 0
    encode_s: float = 0.0
    prefill_tokens: int = 0
    prefill_s: float = 0.0
    measured_at: float = 0.0

    def encoded(self, tokens: int, seconds: float) -> None:
        """One tile became so many rows."""
        self.tiles += 1
        self.encode_tokens += tokens
        self.encode_s += seconds

    def read(self, tokens: int, seconds: float) -> None:
        """So many rows went into the decoder."""
        self.prefill_tokens += tokens
        self.prefill_s += seconds

    def encoding_s(self, tokens: int) -> float | None:
        """Seconds for so many rows at this pace; None: nothing was measured."""
        return tokens * self.encode_s / self.encode_tokens if self.encode_tokens else None

    def reading_s(self, tokens: int) -> float | None:
        return tokens * self.prefill_s / self.prefill_tokens if self.prefill_tokens else None


def keep_pace(files: ModelFiles, pace: Pace) -> None:
    """Nobody's answer waits for it or fails by it. What the last run did not do stays as it was."""
    if not pace.tiles:
        return
    pace.measured_at = time.time()
    with contextlib.suppress(OSError):  # of files that are gone by now
        keep(json.dumps(asdict(pace)), *_place(files))


def find_pace(files: ModelFiles) -> Pace | None:
    """None: no picture was looked at with these files yet, or nobody knows."""
    try:
        values = json.loads(state_path(*_place(files)).read_text())
        return Pace(**{name: type(usual)(values[name]) for name, usual in asdict(Pace()).items()})
    except (OSError, RuntimeError, ValueError, TypeError, KeyError):
        return None


def _place(files: ModelFiles) -> tuple[str, str]:
    """Raises OSError."""
    return "pace", digest_of(os.path.abspath(files.decoder), rows_identity(files))[:32]
