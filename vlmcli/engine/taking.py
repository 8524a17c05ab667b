"""Requests taken from whoever asks, as many as there is room for: whatever engine answers them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from vlmcli.core import Request

MOST_PIXEL_BYTES = 1 << 30
"""Pictures in flight, one more at the most: sixteen photographs of a telephone fit, sixteen scans do not."""


def take(source: Iterator[Request | None], room: int, space_bytes: int) -> tuple[list[Request], bool]:
    """Up to `room` requests that are ready now, until their pixels fill the space; whether the source is at its end."""
    taken: list[Request] = []
    for request in islice(source, room):
        if request is None:
            return taken, False
        taken.append(request)
        space_bytes -= pixel_bytes(request)
        if space_bytes <= 0:
            return taken, False
    return taken, len(taken) < room


def pixel_bytes(request: Request) -> int:
    return sum(len(image.rgb) for image in request.images)
