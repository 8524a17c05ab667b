"""Bar charts: three to five bars with printed labels, in tenths of the axis' maximum."""

from __future__ import annotations

import random
import string
from dataclasses import dataclass

from .colours import COLOUR_NAMES
from .texts import MONTHS, WORDS

MAXIMA = [10, 50, 100, 200, 1000]
MOST_BARS = 5


@dataclass(frozen=True)
class Bar:
    label: str
    tenths: int  # of the axis' maximum, 1 to 10
    colour: str


@dataclass(frozen=True)
class Chart:
    bars: tuple[Bar, ...]
    maximum: int  # the uppermost tick of the axis

    @property
    def ticks(self) -> tuple[int, int, int]:
        return 0, self.maximum // 2, self.maximum

    @property
    def falling(self) -> list[Bar]:
        """The bars from the highest to the lowest."""
        return sorted(self.bars, key=lambda b: -b.tenths)

    def value(self, bar: Bar) -> int:
        return bar.tenths * self.maximum // 10


def sample_letters(rng: random.Random, count: int) -> list[str]:
    first = 0 if rng.random() < 0.5 else rng.randrange(26 - count)
    in_order = list(string.ascii_uppercase[first : first + count])
    return in_order if rng.random() < 0.6 else rng.sample(string.ascii_uppercase, count)


def sample_labels(rng: random.Random, count: int) -> list[str]:
    """Letters, months or years in a row, or words; shorter ones where there are more bars."""
    kind = rng.random()
    if kind < 0.4:
        return sample_letters(rng, count)
    if kind < 0.55:
        first = rng.randrange(12)
        return [MONTHS[(first + i) % 12] for i in range(count)]
    if kind < 0.7 and count < MOST_BARS:
        first = rng.randint(1990, 2030)
        return [str(first + i) for i in range(count)]
    case = rng.choice([str.upper, str.lower, str.capitalize, str.capitalize])
    short = [w for w in WORDS if len(w) <= 8 - count]
    return [case(w) for w in rng.sample(short, count)]


def sample_chart(rng: random.Random, background: str) -> Chart:
    count = rng.randint(3, MOST_BARS)
    free = [c for c in COLOUR_NAMES if c != background]
    colours = rng.sample(free, count) if rng.random() < 0.5 else [rng.choice(free)] * count
    tenths = rng.sample(range(1, 11), count)
    bars = tuple(Bar(*facts) for facts in zip(sample_labels(rng, count), tenths, colours, strict=True))
    return Chart(bars, rng.choice(MAXIMA))
