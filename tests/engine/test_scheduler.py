"""The scheduler on random work: nobody starves, no slot leaks, everything ends."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from vlmcli.engine.scheduler import Decode, Prefill, Scheduler


def test_idle_has_nothing_to_do() -> None:
    scheduler = Scheduler(2)
    assert scheduler.idle
    assert scheduler.next() is None


def test_prefill_and_decode_take_turns() -> None:
    scheduler = Scheduler(2)
    first, second = 0, 1
    scheduler.admit(first, 1)
    assert scheduler.next() == Prefill(first)
    scheduler.piece_read(first)
    scheduler.admit(second, 3)
    seen = []
    for _ in range(6):
        step = scheduler.next()
        seen.append(type(step))
        if isinstance(step, Prefill):
            scheduler.piece_read(second)
    assert seen == [Decode, Prefill, Decode, Prefill, Decode, Prefill]
    assert scheduler.next() == Decode((first, second))


@pytest.mark.parametrize("seed", range(30))
def test_every_request_ends_and_none_starves(seed: int) -> None:
    """Requests with random prompts and answers: all end, never more than the slots, at most one step between two
    decode steps of an answer that is being written."""
    chance = random.Random(seed)
    n_slots = chance.randint(1, 5)
    scheduler = Scheduler(n_slots)
    waiting = [(chance.randint(1, 4), chance.randint(1, 9)) for _ in range(40)]
    work: dict[int, list[int]] = {}
    done, since_decode = 0, 0
    for _ in range(5000):
        while waiting and scheduler.free:
            pieces, tokens = waiting.pop()
            slot = scheduler.free[-1]
            scheduler.admit(slot, pieces)
            assert slot not in work
            work[slot] = [pieces, tokens]
        assert len(work) <= n_slots
        step = scheduler.next()
        if step is None:
            break
        if isinstance(step, Prefill):
            work[step.slot][0] -= 1
            scheduler.piece_read(step.slot)
            writing = any(pieces == 0 for slot, (pieces, _) in work.items() if slot != step.slot)
            since_decode = since_decode + 1 if writing else 0
            assert since_decode <= 1
            continue
        since_decode = 0
        assert set(step.slots) == {slot for slot, (pieces, _) in work.items() if pieces == 0}
        for slot in step.slots:
            work[slot][1] -= 1
            if work[slot][1] == 0:
                del work[slot]
                scheduler.release(slot)
                done += 1
    assert done == 40
    assert scheduler.idle


def test_a_reader_that_fails_frees_its_slot() -> None:
    scheduler = Scheduler(1)
    scheduler.admit(0, 3)
    assert not scheduler.free
    scheduler.release(0)
    assert scheduler.idle
    assert scheduler.free == (0,)


def test_oldest_prompt_is_read_first() -> None:
    scheduler = Scheduler(3)
    slots = (2, 0, 1)
    for slot in slots:
        scheduler.admit(slot, 2)
    order = Counter[int]()
    for _ in range(2):
        step = scheduler.next()
        assert isinstance(step, Prefill)
        order[step.slot] += 1
        scheduler.piece_read(step.slot)
    assert order[slots[0]] == 2
