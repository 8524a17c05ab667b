"""When a model was used last: the time of an empty file named after it, in the platform's folder for such things.

The time of the model's own file would not do: file systems are mounted without access times, and backups read too.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path


def mark_used(decoder: Path) -> None:
    """Now. Nobody's answer waits for it or fails by it."""
    with contextlib.suppress(OSError, RuntimeError):
        marker = _marker(decoder)
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()


def last_used(decoder: Path) -> float | None:
    """Seconds since the epoch; None: never, or nobody knows."""
    try:
        return _marker(decoder).stat().st_mtime
    except (OSError, RuntimeError):
        return None


def forget_used(decoder: Path) -> None:
    with contextlib.suppress(OSError, RuntimeError):
        _marker(decoder).unlink()


def _marker(decoder: Path) -> Path:
    from platformdirs import user_state_path

    name = hashlib.sha256(os.fsencode(os.path.abspath(decoder))).hexdigest()[:32]
    return user_state_path("vlm", appauthor=False) / "used" / name
