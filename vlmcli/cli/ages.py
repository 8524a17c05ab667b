"""Ages as people type them: `30d`, `12h`."""

from __future__ import annotations

from vlmcli.errors import UsageError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def seconds_of(age: str, example: str) -> float:
    """`30d`, `12h`, `45m`, `90s`, `2w` in seconds. Raises UsageError with a command that would do."""
    number, unit = age[:-1], age[-1:].lower()
    try:
        seconds = float(number) * _SECONDS[unit]
    except (ValueError, KeyError):
        seconds = -1
    if not 0 <= seconds < 1e12:
        raise UsageError(f"--older-than is {age!r}, which is not an age.", example)
    return seconds
