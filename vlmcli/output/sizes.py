"""Bytes and seconds as people say them."""

from __future__ import annotations


def show_size(size_bytes: float) -> str:
    """`0 B`, `4.1 KB`, `152 MB`, `8.3 GB`: by thousands, as the Hub counts."""
    size, unit = float(size_bytes), "B"
    for larger in ("KB", "MB", "GB", "TB"):
        if size < 999.5:
            break
        size, unit = size / 1000, larger
    return f"{size:.0f} {unit}" if unit == "B" or size >= 99.95 else f"{size:.1f} {unit}"


def show_duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 20 min`, `2 days 4 h`: two units at most."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if hours else f"{minutes} min"
    return f"{hours // 24} days {hours % 24} h"


def show_age(seconds: float) -> str:
    """`just now`, `5 minutes ago`, `1 day ago`"""
    for length, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        count = int(seconds // length)
        if count:
            return f"{count} {name}{'' if count == 1 else 's'} ago"
    return "just now"
