"""What is with the engine's process, and who is to blame when it dies."""

from __future__ import annotations

from collections import deque

from vlmcli.batch.messages import Loading
from vlmcli.batch.planning import Todo

AHEAD = 8
"""Pictures that wait in the process for its pipeline to take them: it shall never wait for us."""


class Flight:
    """Pure bookkeeping. After a death those that were begun are suspects, and go out again one by one, each alone.

    Who is alone in the process when it dies is to blame.
    """

    def __init__(self, ahead: int = AHEAD) -> None:
        self._ahead = ahead
        self._out: dict[int, Todo] = {}
        self._begun: set[int] = set()
        self._again: deque[Todo] = deque()
        self._suspects: deque[Todo] = deque()
        self._alone = False
        self._next = 0
        self.is_stuck = False
        """All that is out waits for a server: nothing of it is being answered."""

    @property
    def is_empty(self) -> bool:
        """Nothing is out, and nothing waits to go out again."""
        return not (self._out or self._again or self._suspects)

    @property
    def n_out(self) -> int:
        return len(self._out)

    @property
    def n_begun(self) -> int:
        return len(self._begun)

    @property
    def takes_new(self) -> bool:
        """There is room for one that was not out before."""
        return not self._suspects and not self._again and self._has_room

    @property
    def _has_room(self) -> bool:
        return not self._out if self._alone else len(self._out) - len(self._begun) < self._ahead

    def next_again(self) -> tuple[Todo, bool] | None:
        """The next one to go out once more, and whether alone; None: none now."""
        if not self._suspects and not self._out:
            self._alone = False
        if self._suspects and not self._out:
            self._alone = True
            return self._suspects.popleft(), True
        if self._again and not self._suspects and self._has_room:
            return self._again.popleft(), False
        return None

    def send(self, todo: Todo) -> int:
        """It goes out now; the number under which it will be heard of."""
        self._next += 1
        self._out[self._next] = todo
        return self._next

    def begun(self, number: int) -> None:
        self._begun.add(number)

    def loading(self, message: Loading) -> None:
        if not message.note:
            self.is_stuck = message.stage == "waiting"

    def done(self, number: int) -> Todo:
        self.is_stuck = False
        self._begun.discard(number)
        return self._out.pop(number)

    def died(self) -> Todo | None:
        """The process is gone: who is to blame, if that is clear. All others go out again."""
        begun = [todo for number, todo in self._out.items() if number in self._begun]
        rest = [todo for number, todo in self._out.items() if number not in self._begun]
        blamed = begun.pop() if self._alone and len(begun) == 1 else None
        self._suspects.extendleft(reversed(begun))
        self._again.extendleft(reversed(rest))
        self._out.clear()
        self._begun.clear()
        return blamed
