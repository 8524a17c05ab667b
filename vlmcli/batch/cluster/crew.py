"""Which worker has which picture, and which pictures are to blame when workers die."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from vlmcli.batch.messages import Ask

_AHEAD = 4
"""Pictures that wait at a worker for its pipeline to take them: the way there shall cost it no time."""
_MOST_DEATHS = 2
"""Deaths of workers that had nothing but this picture in work, after which it is to blame. One may be bad luck: a
machine is taken away, or runs out of memory."""


@dataclass(slots=True)
class _Hands:
    """What is with one worker."""

    out: dict[int, Ask] = field(default_factory=dict)
    begun: set[int] = field(default_factory=set)
    alone: bool = False

    @property
    def n_waiting(self) -> int:
        return len(self.out) - len(self.begun)


class Crew:
    """Pure bookkeeping; workers are numbers. After a death what was begun goes out again one by one, each alone."""

    def __init__(self) -> None:
        self._hands: dict[int, _Hands] = {}
        self._waiting: deque[Ask] = deque()
        self._suspects: deque[Ask] = deque()
        self._deaths: Counter[int] = Counter()

    @property
    def is_idle(self) -> bool:
        """Nothing is out, and nothing waits to go out."""
        return not (self._waiting or self._suspects or any(hands.out for hands in self._hands.values()))

    @property
    def workers(self) -> list[int]:
        return list(self._hands)

    def is_busy(self, worker: int) -> bool:
        return bool(self._hands[worker].out)

    def join(self, worker: int) -> None:
        self._hands[worker] = _Hands()

    def put(self, ask: Ask) -> None:
        self._waiting.append(ask)

    def drop_waiting(self) -> None:
        """What no worker has will not be done."""
        self._waiting.clear()
        self._suspects.clear()

    def next(self) -> tuple[int, Ask] | None:
        """Who gets what now; None: nothing for anybody."""
        for worker, hands in self._hands.items():
            hands.alone = hands.alone and bool(hands.out)
            if self._suspects and not hands.out:
                hands.alone = True
                return self._hand(worker, self._suspects.popleft())
        if not self._waiting:
            return None
        kept_free = self._least_busy() if self._suspects else None
        takers = [
            (hands.n_waiting, len(hands.out), worker)
            for worker, hands in self._hands.items()
            if worker != kept_free and not hands.alone and hands.n_waiting < _AHEAD
        ]
        return self._hand(min(takers)[2], self._waiting.popleft()) if takers else None

    def _least_busy(self) -> int | None:
        """Who is nearest to being free for a suspect, and gets nothing new before."""
        if any(hands.alone for hands in self._hands.values()):
            return None  # one of them is on its way
        return min(((len(hands.out), worker) for worker, hands in self._hands.items()), default=(0, None))[1]

    def _hand(self, worker: int, ask: Ask) -> tuple[int, Ask]:
        self._hands[worker].out[ask.number] = ask
        return worker, ask

    def begun(self, worker: int, number: int) -> None:
        self._hands[worker].begun.add(number)

    def done(self, worker: int, number: int) -> Ask:
        hands = self._hands[worker]
        hands.begun.discard(number)
        return hands.out.pop(number)

    def leave(self, worker: int) -> Ask | None:
        """The worker is gone: the picture to blame, if that is clear. All else that it had goes out again."""
        hands = self._hands.pop(worker, None)
        if hands is None:
            return None
        begun = [ask for number, ask in hands.out.items() if number in hands.begun]
        rest = [ask for number, ask in hands.out.items() if number not in hands.begun]
        blamed = None
        if len(begun) == 1 and not rest:  # it was alone there, on purpose or not
            self._deaths[begun[0].number] += 1
            if self._deaths[begun[0].number] >= _MOST_DEATHS:
                blamed = begun.pop()
        self._suspects.extendleft(reversed(begun))
        self._waiting.extendleft(reversed(rest))
        return blamed
