"""When a model was used last: the time of an empty file named after it, in the platform's folder for such things.

The time of the model's own file would not do: file systems are mounted without access times, and backups read too.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from vlmcli.state import mark, state_path


def mark_used(decoder: Path) -> None:
    """Now. Nobody's answer waits for it or fails by it."""
    mark(*_marker(decoder))


def last_used(decoder: Path) -> float | None:
    """Seconds since the epoch; None: never, or nobody knows."""
    try:
        return state_path(*_marker(decoder)).stat().st_mtime
    except (OSError, RuntimeError):
        return None


def forget_used(decoder: Path) -> None:
    with contextlib.suppress(OSError, RuntimeError):
        state_path(*_marker(decoder)).unlink()


def _marker(decoder: Path) -> tuple[str, str]:
    return "used", hashlib.sha256(os.fsencode(os.path.abspath(decoder))).hexdigest()[:32]
