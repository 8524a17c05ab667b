"""Probabilities of labels out of what a server tells of single tokens."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlmcli.engine.server.scoring import Place, label_probabilities


def place(**shares: float) -> Place:
    """The likeliest tokens at a place, the one that was written first. `_` stands for a space."""
    return [(token.replace("_", " "), math.log(share)) for token, share in shares.items()]


def test_by_the_first_token() -> None:
    found = label_probabilities(["yes", "no"], [place(_yes=0.6, _no=0.2, The=0.2)])
    assert found == pytest.approx((0.75, 0.25))


def test_spellings_of_one_label_add_up() -> None:
    assert label_probabilities(["yes", "no"], [place(_yes=0.3, yes=0.3, n=0.2)]) == pytest.approx((0.75, 0.25))


def test_white_space_and_quotes_before_it_are_passed_over() -> None:
    places = [[(" ", -0.1)], [('"', -0.1)], place(re=0.4, blue=0.4)]
    assert label_probabilities(["red", "blue"], places) == pytest.approx((0.5, 0.5))


def test_labels_that_begin_alike_are_told_apart_where_they_part() -> None:
    labels = ["dark red", "dark blue", "white"]
    places = [place(dark=0.8, white=0.2), place(_red=0.6, _blue=0.2)]
    assert label_probabilities(labels, places) == pytest.approx((0.6, 0.2, 0.2))


def test_what_the_way_not_taken_hides_is_not_made_up() -> None:
    labels = ["dark red", "dark blue", "white"]
    assert label_probabilities(labels, [place(white=0.8, dark=0.2)]) == ()


@pytest.mark.parametrize("places", [[], [place(The=0.9, A=0.1)], [[]], [place(re=1.0)]])
def test_nothing_told_is_nothing_known(places: list[Place]) -> None:
    assert label_probabilities(["red", "red wine"], places) == ()


TOKENS = st.sampled_from(["r", "re", "red", " red", "b", "blue", " blue", "green", " ", '"', "The", "", "red."])


@given(
    st.lists(st.sampled_from(["red", "blue", "green", "redder"]), min_size=2, unique=True),
    st.lists(st.lists(st.tuples(TOKENS, st.floats(-50, 0)), max_size=6), max_size=5),
)
def test_they_add_up_to_one_or_are_none(labels: list[str], places: list[Place]) -> None:
    found = label_probabilities(labels, places)
    assert not found or (len(found) == len(labels) and sum(found) == pytest.approx(1.0))
    assert all(0 <= each <= 1 + 1e-9 for each in found)
