"""How many at once: within bounds whatever happens, near what a server can do, and less when it says stop."""

from __future__ import annotations

import heapq
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlmcli.engine.server.pace import Pace

STEPS = st.lists(
    st.tuples(st.sampled_from(["begin", "answer", "fail", "busy"]), st.floats(0, 5), st.none() | st.floats(0, 30)),
    max_size=300,
)


@given(STEPS, st.integers(1, 100), st.booleans())
def test_it_stays_within_its_bounds(steps: list[tuple[str, float, float | None]], most: int, fixed: bool) -> None:
    pace, now_s = Pace(most, fixed), 0.0
    for what, passed_s, retry_after_s in steps:
        now_s += passed_s
        if what == "begin":
            if pace.may_begin(now_s):
                assert now_s >= pace.not_before_s
                pace.began()
        elif pace.in_work:
            pace.ended()
            if what == "answer":
                pace.answered(now_s)
            elif what == "busy":
                before = pace.limit
                pace.overloaded(now_s, retry_after_s)
                assert pace.limit <= before
                assert pace.not_before_s >= now_s + (retry_after_s or 0)
        assert 1 <= pace.limit <= most
        assert 0 <= pace.in_work <= most


def simulated(pace: Pace, slots: int, answer_s: float, requests: int, refuses_above: int | None = None) -> float:
    """Seconds that a server takes for so many requests, of which it works on `slots` at once; the rest wait there.

    An answer takes it `answer_s`, one in the middle: no two are equally long.
    """
    now_s, done, refused, chance = 0.0, 0, 0, Random(slots)
    working: list[float] = []  # when each of the requests there will be answered
    while done < requests:
        while pace.may_begin(now_s) and done + len(working) < requests:
            if refuses_above is not None and len(working) >= refuses_above:
                pace.began()
                pace.ended()
                pace.overloaded(now_s, 1.0)
                refused += 1
                continue
            ahead = sorted(working)
            free_s = now_s if len(ahead) < slots else ahead[len(ahead) - slots]
            heapq.heappush(working, max(free_s, now_s) + answer_s * chance.uniform(0.8, 1.2))
            pace.began()
        if not working:
            now_s = max(pace.not_before_s, now_s)
            continue
        now_s = max(heapq.heappop(working), now_s)
        pace.ended()
        pace.answered(now_s)
        done += 1
    assert refused <= requests / 4
    return now_s


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 64), st.floats(0.01, 10))
def test_it_comes_near_to_what_the_server_can_do(slots: int, answer_s: float) -> None:
    pace = Pace(64)
    seconds = simulated(pace, slots, answer_s, 3000)
    best_s = 3000 * answer_s / slots
    assert seconds <= 1.45 * best_s
    assert pace.limit >= 0.7 * slots


@pytest.mark.parametrize("slots", [1, 2, 4])
def test_a_small_server_is_not_flooded(slots: int) -> None:
    """Where more brings nothing, it does not stay at more: requests that wait there only grow old."""
    pace = Pace(64)
    simulated(pace, slots, 1.0, 400)
    assert pace.limit <= 4 * slots


def test_bounded_by_what_the_user_says() -> None:
    pace = Pace(3)
    simulated(pace, 64, 1.0, 500)
    assert pace.limit == 3


@pytest.mark.parametrize("fixed", [False, True])
def test_a_server_that_refuses_more_than_it_takes_is_given_less(fixed: bool) -> None:
    """And not so little that it idles: at least a third of the time that it could have done it in."""
    pace = Pace(64, fixed)
    seconds = simulated(pace, 8, 1.0, 800, refuses_above=8)
    assert seconds <= 3 * 800 / 8


def test_what_was_sent_before_the_server_said_stop_counts_once() -> None:
    pace = Pace(64, fixed=True)
    for _ in range(64):
        pace.began()
    for _ in range(64):
        pace.ended()
        pace.overloaded(10.0, 2.0)
    assert pace.limit == 32
    assert not pace.may_begin(11.9)
    assert pace.may_begin(12.0)


@pytest.mark.parametrize("retry_after_s", [None, 0.0], ids=["no time", "at once"])
def test_a_busy_server_has_a_rest_whatever_it_says(retry_after_s: float | None) -> None:
    pace = Pace()
    pace.overloaded(10.0, retry_after_s)
    assert not pace.may_begin(10.9)
    assert pace.may_begin(11.0)


def test_a_fixed_number_comes_back_after_an_overload() -> None:
    pace = Pace(16, fixed=True)
    pace.overloaded(0.0, 0.0)
    assert pace.limit == 8
    simulated(pace, 64, 0.1, 400)
    assert pace.limit == 16
