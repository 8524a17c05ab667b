"""Whether a file is a ledger, before anything is written over it."""

from __future__ import annotations

import json
from pathlib import Path

_LONGEST_LINE_BYTES = 10 << 20
_MOST_DAMAGED = 3
"""Lines that may be damaged before the first by which a ledger is known."""


def holds_ledger(path: Path) -> bool:
    """Whether there is a file of that name with work of hours in it."""
    try:
        if not path.is_file():
            return False
        with open(path, "rb") as file:
            first = [file.readline(_LONGEST_LINE_BYTES) for _ in range(_MOST_DAMAGED + 1)]
    except OSError:
        return False
    return any(map(_is_record, first))


def _is_record(line: bytes) -> bool:
    try:
        return "settings" in json.loads(line)["job"]
    except (ValueError, KeyError, TypeError):
        return False
