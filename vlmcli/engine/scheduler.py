"""Which sequence does what next. Pure: it knows slots and steps, never pointers.

A llama.cpp batch is all tokens or all rows, so reading in new pictures (prefill, step by step) takes turns with one
decode step of all the answers that are being written: neither waits for the other to end.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prefill:
    """Read the next piece of the prompt in `slot`."""

    slot: int


@dataclass(frozen=True, slots=True)
class Decode:
    """Write one token in each of `slots`, which are in ascending order.

    llama.cpp computes only neighbouring sequences in ascending order together; the rest it computes after them.
    """

    slots: tuple[int, ...]


class Scheduler:
    """Slots are numbered from 0; each is free, reading its prompt, or writing its answer.

    `whole_prompts`: a prompt is read to its end before the others write on, where the sum of all counts more than the
    next word: a slot in the midst of its prompt would part the others into two computations.
    """

    def __init__(self, n_slots: int, whole_prompts: bool = False) -> None:
        self._free = list(range(n_slots - 1, -1, -1))
        self._reading: dict[int, int] = {}  # slot -> pieces left, oldest first
        self._writing: set[int] = set()
        self._whole_prompts = whole_prompts
        self._writers_turn = False

    @property
    def idle(self) -> bool:
        return not self._reading and not self._writing

    @property
    def free(self) -> tuple[int, ...]:
        """Free slots, the one that was freed last at the end."""
        return tuple(self._free)

    def admit(self, slot: int, n_pieces: int) -> None:
        """Give a free slot to a prompt of so many pieces (at least 1)."""
        self._free.remove(slot)
        self._reading[slot] = n_pieces

    def next(self) -> Prefill | Decode | None:
        """The next thing to do, or None when idle."""
        if self._writing and (self._writers_turn or not self._reading):
            self._writers_turn = False
            return Decode(tuple(sorted(self._writing)))
        return Prefill(next(iter(self._reading))) if self._reading else None

    def piece_read(self, slot: int) -> None:
        """A piece of the prompt is in; after the last one the slot writes."""
        self._reading[slot] -= 1
        if not self._reading[slot]:
            del self._reading[slot]
            self._writing.add(slot)
            self._writers_turn = True
        elif not self._whole_prompts:
            self._writers_turn = True

    def release(self, slot: int) -> None:
        """The answer in `slot` is over, however it ended."""
        if slot in self._reading:
            del self._reading[slot]
        else:
            self._writing.remove(slot)
        self._free.append(slot)
