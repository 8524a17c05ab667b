"""Bytes and seconds as people say them."""

from __future__ import annotations

import pytest

from vlmcli.output.sizes import show_age, show_duration, show_size


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        *[(0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (99_949, "99.9 KB"), (152_300, "152 KB")],
        *[(999_600, "1.0 MB"), (8_256_000_000, "8.3 GB"), (5 * 10**15, "5000 TB")],
    ],
)
def test_sizes(size: int, shown: str) -> None:
    assert show_size(size) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.2, "0 s"),
        (99, "99 s"),
        (150, "2 min"),
        (3599, "1 h 0 min"),
        (7500, "2 h 5 min"),
        (90_000, "25 h 0 min"),
        (200_000, "2 days 7 h"),
    ],
)
def test_durations(seconds: float, shown: str) -> None:
    assert show_duration(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(3, "just now"), (60, "1 minute ago"), (7300, "2 hours ago"), (86400 * 12.9, "12 days ago")],
)
def test_ages(seconds: float, shown: str) -> None:
    assert show_age(seconds) == shown
