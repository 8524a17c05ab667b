"""Several readings side by side, as one step of a task: parts of a picture that are read in one batch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vlmcli.tasks.task import Outcome, Steps


@dataclass(frozen=True, slots=True)
class Together:
    """A task yields this in the place of a Request, and is sent the outcomes of all `steps`, in their order.

    Each of `steps` asks one request after the other, and is begun when there is room for it. `shown`: the text that
    stands for sure when some are done (None: not yet), for a person who reads along; it may only grow.
    """

    steps: tuple[Steps, ...]
    shown: Callable[[Sequence[Outcome | None]], str]


class Gathering:
    """The outcomes as they come, in any order."""

    def __init__(self, together: Together) -> None:
        self._shown = together.shown
        self._waiting = deque(enumerate(together.steps))
        self._outcomes: list[Outcome | None] = [None] * len(together.steps)
        self._told = ""

    @property
    def waits(self) -> bool:
        """Some are not begun."""
        return bool(self._waiting)

    @property
    def done(self) -> int:
        return sum(outcome is not None for outcome in self._outcomes)

    @property
    def total(self) -> int:
        return len(self._outcomes)

    def begin_next(self) -> tuple[int, Steps]:
        return self._waiting.popleft()

    def stop(self, instead: Outcome) -> None:
        """What is not begun never will be: `instead` takes its place."""
        for place, steps in self._waiting:
            steps.close()
            self._outcomes[place] = instead
        self._waiting.clear()

    def put(self, place: int, outcome: Outcome) -> str:
        """One is done. Returns the words that can be shown now."""
        self._outcomes[place] = outcome
        shown = self._shown(self._outcomes)
        news, self._told = shown[len(self._told) :], shown
        return news

    def all(self) -> tuple[Outcome, ...] | None:
        """The outcomes, when all are there."""
        found = tuple(outcome for outcome in self._outcomes if outcome is not None)
        return found if len(found) == len(self._outcomes) else None
