"""The scheduler on any work that hypothesis thinks of: nobody starves, no slot leaks, everything ends."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as some

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


@dataclass
class Work:
    """A request: so many pieces to read, so many tokens to write; it fails after `fails_after` steps of its own."""

    pieces: int
    tokens: int
    fails_after: int

    @property
    def ends(self) -> bool:
        return self.fails_after == 0 or self.pieces == self.tokens == 0

    @property
    def writes(self) -> bool:
        return self.pieces == 0


works = some.builds(
    Work, some.integers(1, 4), some.integers(1, 9), some.one_of(some.just(99), some.just(99), some.integers(1, 6))
)


@settings(max_examples=150, deadline=None)
@given(some.integers(1, 5), some.booleans(), some.lists(works, max_size=30), some.data())
def test_every_request_ends_and_none_starves(
    n_slots: int, whole_prompts: bool, waiting: list[Work], chance: some.DataObject
) -> None:
    """However requests come and fail: all end; never more than the slots; each step moves who is longest due."""
    scheduler = Scheduler(n_slots, whole_prompts)
    work: dict[int, Work] = {}
    reading: list[int] = []  # slots in the order in which they were given to prompts
    prompts_since_decode = pieces_since_decode = decodes_since_piece = 0
    while True:
        while waiting and scheduler.free and (scheduler.idle or chance.draw(some.booleans())):
            slot = chance.draw(some.sampled_from(scheduler.free))
            assert slot not in work
            work[slot] = waiting.pop()
            reading.append(slot)
            scheduler.admit(slot, work[slot].pieces)
        assert sorted([*work, *scheduler.free]) == list(range(n_slots))
        step = scheduler.next()
        if step is None:
            break
        writing = sorted(slot for slot, one in work.items() if one.writes)
        if isinstance(step, Prefill):
            assert step.slot == reading[0]
            moved, decodes_since_piece = (step.slot,), 0
            pieces_since_decode += bool(writing)
            work[step.slot].pieces -= 1
            scheduler.piece_read(step.slot)
            if work[step.slot].writes:
                prompts_since_decode += bool(writing)
                reading.pop(0)
            assert prompts_since_decode <= 1
            assert whole_prompts or pieces_since_decode <= 1
        else:
            assert list(step.slots) == writing
            decodes_since_piece += bool(reading)
            assert decodes_since_piece <= 1
            moved, prompts_since_decode, pieces_since_decode = step.slots, 0, 0
            for slot in moved:
                work[slot].tokens -= 1
        for slot in moved:
            work[slot].fails_after -= 1
            if work[slot].ends:
                del work[slot]
                reading = [other for other in reading if other != slot]
                scheduler.release(slot)
    assert not waiting
    assert not work
    assert scheduler.idle


def test_a_whole_prompt_is_read_in_one_go() -> None:
    scheduler = Scheduler(3, whole_prompts=True)
    scheduler.admit(2, 1)
    assert scheduler.next() == Prefill(2)
    scheduler.piece_read(2)
    scheduler.admit(0, 3)
    assert scheduler.next() == Decode((2,))
    for _ in range(3):
        assert scheduler.next() == Prefill(0)
        scheduler.piece_read(0)
    assert scheduler.next() == Decode((0, 2))


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
