"""What can go wrong at the test Hub, as values that a test sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Where = Literal["api", "resolve", "content"]
"""The lists of files; the Hub's answer for a file, which leads on; whoever sends the bytes in the end."""


@dataclass
class Fault:
    """Happens to the next `times` requests at `where` (-1: to all) whose path holds `path`. Several may be combined."""

    where: Where = "content"
    times: int = 1
    path: str = ""
    method: str = "GET"

    status: int = 0
    """Answer with this, `headers` and `body`, and nothing else."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Added to the answer; they replace the headers of the same name. An empty value removes one."""
    body: bytes = b""

    drop: bool = False
    """Close the connection without a word."""
    cut_after: int | None = None
    """Close it after so many bytes of the body."""
    short_by: int = 0
    """Send so much less, and say so in Content-Length."""
    corrupt_at: int | None = None
    """Turn a bit of the file's byte at this place."""
    ignore_range: bool = False
    """Answer 200 with the whole file."""
    shift_range: int = 0
    """Answer with a range that starts so many bytes later than was asked, honestly."""
    gzip: bool = False
    """Send it compressed, though nobody asked for it."""
    stall_after: int | None = None
    """Be silent for `stall_s` after so many bytes of the body."""
    stall_s: float = 0.0
