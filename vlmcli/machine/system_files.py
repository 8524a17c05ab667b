"""The small files in which a system tells of itself: /proc, /sys."""

from __future__ import annotations

from pathlib import Path


def read(file: Path) -> str:
    """What it says, without the line's end; "" where there is no such file."""
    try:
        return file.read_text(errors="replace").strip()
    except (OSError, ValueError):
        return ""


def number_in(file: Path) -> int:
    """0 where it says none."""
    said = read(file)
    return int(said) if said.isdecimal() else 0
