"""Which server is next: by load, without those that are dead, which are tried again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vlmcli.engine.server.fleet import Fleet


def test_the_one_with_the_least_to_do_is_next() -> None:
    fleet = Fleet("ab", most=64, fixed=True)
    chosen = []
    for _ in range(6):
        server = fleet.next_server(0.0)
        assert server
        server.pace.began()
        chosen.append(server.place)
    assert chosen == list("ababab")
    fleet.servers[1].pace.ended()
    assert getattr(fleet.next_server(0.0), "place", None) == "b"


def test_all_together_stay_below_the_most() -> None:
    fleet = Fleet("abc", most=4, fixed=True)
    for _ in range(4):
        server = fleet.next_server(0.0)
        assert server
        server.pace.began()
    assert fleet.next_server(0.0) is None
    assert fleet.room == 4


def test_a_dead_one_is_left_out_and_tried_again_by_one_request() -> None:
    fleet = Fleet("ab", most=8, fixed=True)
    a, b = fleet.servers
    a.is_gone(0.0)
    assert not fleet.is_down
    assert fleet.next_server(0.1) is b
    assert fleet.next_server(0.6) is a
    a.pace.began()
    assert fleet.next_server(0.6) is b  # one tries, the others do not wait for what becomes of it
    a.pace.ended()
    a.is_gone(0.7)
    assert fleet.next_server(1.2) is b  # and it is left out for longer
    a.answers()
    assert a.may_begin(1.2)


@given(st.lists(st.floats(0, 100), max_size=40))
def test_however_often_it_fails_it_is_tried_within_a_quarter_of_a_minute(passed: list[float]) -> None:
    fleet, now_s = Fleet("a", most=8), 0.0
    for each_s in passed:
        now_s += each_s
        fleet.servers[0].is_gone(now_s)
        assert fleet.is_down
        wait_s = fleet.wait_s(now_s)
        assert wait_s is None or 0 < wait_s <= 15.001
        assert wait_s or fleet.next_server(now_s)
        assert fleet.next_server(now_s + 15.001) is not None
