"""The detector of loops against its definition, walked out in full."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as some

from vlmcli.engine.repetition import (
    FEWEST_LOOPING_TOKENS,
    FEWEST_REPEATS,
    LONGEST_PERIOD,
    RepetitionDetector,
)


def runs_of(tokens: list[int]) -> dict[int, int]:
    """For each period, how many tokens at the end equal the one so far before them."""
    runs = {}
    for period in range(1, min(LONGEST_PERIOD, len(tokens) - 1) + 1):
        at = len(tokens) - 1
        while at >= period and tokens[at] == tokens[at - period]:
            at -= 1
        runs[period] = len(tokens) - 1 - at
    return runs


def loop_start_of(tokens: list[int]) -> int | None:
    for period, run in runs_of(tokens).items():
        if run and run >= max(period * (FEWEST_REPEATS - 1), FEWEST_LOOPING_TOKENS - period):
            return len(tokens) - run
    return None


def doubtful_start_of(tokens: list[int]) -> int | None:
    return min((len(tokens) - run for period, run in runs_of(tokens).items() if run >= min(period, 6)), default=None)


words = some.lists(some.integers(0, 3), max_size=40)
answers = some.builds(
    lambda start, part, times, end: start + part * times + end,
    words,
    some.lists(some.integers(0, 9), min_size=1, max_size=60),
    some.integers(1, 8),
    words,
)


@settings(max_examples=60, deadline=None)
@given(answers)
def test_it_finds_what_its_definition_says(tokens: list[int]) -> None:
    detector = RepetitionDetector()
    for count, token in enumerate(tokens, start=1):
        detector.add(token)
        assert detector.loop_start() == loop_start_of(tokens[:count])
        assert detector.doubtful_start() == doubtful_start_of(tokens[:count])


def test_a_loop_as_long_as_the_longest_period_is_found() -> None:
    for period, found in ((LONGEST_PERIOD, True), (LONGEST_PERIOD + 1, False)):
        detector = RepetitionDetector()
        for token in list(range(period)) * 5:
            detector.add(token)
        assert (detector.loop_start() is not None) is found
