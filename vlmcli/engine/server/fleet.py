"""Several servers of one model, used side by side: the one with the least to do is next. Pure: it is told the time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from vlmcli.engine.server.pace import Pace

Place = TypeVar("Place")

_FIRST_TRY_S = 0.5
_LONGEST_TRY_S = 15.0


@dataclass(slots=True)
class Server(Generic[Place]):
    """One of them. `down_since_s`: when it stopped answering, if it has."""

    place: Place
    pace: Pace
    down_since_s: float | None = None
    _try_at_s: float = 0.0
    _pause_s: float = _FIRST_TRY_S

    def may_begin(self, now_s: float) -> bool:
        if self.down_since_s is None:
            return self.pace.may_begin(now_s)
        return self.pace.in_work == 0 and now_s >= self._try_at_s  # one goes ahead and sees

    def answers(self) -> None:
        """It said something: it is there."""
        self.down_since_s, self._pause_s = None, _FIRST_TRY_S

    def is_gone(self, now_s: float) -> None:
        """It said nothing. It is left out for a while, a longer one each time."""
        if self.down_since_s is None:
            self.down_since_s = now_s
        elif now_s < self._try_at_s:
            return  # others that were sent before say the same
        self._try_at_s = now_s + self._pause_s
        self._pause_s = min(2 * self._pause_s, _LONGEST_TRY_S)

    def free_at_s(self) -> float:
        """When it may be given something again, as far as that is a matter of time."""
        return self.pace.not_before_s if self.down_since_s is None else self._try_at_s


class Fleet(Generic[Place]):
    """`most` bounds all of them together."""

    def __init__(self, places: Iterable[Place], most: int, fixed: bool = False) -> None:
        self.servers = [Server(place, Pace(most, fixed)) for place in places]
        self.most = most

    @property
    def in_work(self) -> int:
        return sum(server.pace.in_work for server in self.servers)

    @property
    def room(self) -> int:
        """How many requests can be in work now, those that are included."""
        alive = [server for server in self.servers if server.down_since_s is None]
        return min(sum(server.pace.limit for server in alive or self.servers[:1]), self.most)

    def next_server(self, now_s: float) -> Server[Place] | None:
        """Which is to be given the next request; None: none now. One that is down is tried before the others."""
        if self.in_work >= self.most:
            return None
        free = [server for server in self.servers if server.may_begin(now_s)]
        return min(free, key=_by_load, default=None)

    def wait_s(self, now_s: float) -> float | None:
        """After how long it is worth asking again, where time alone brings it; None: something must end before."""
        waits = [server.free_at_s() - now_s for server in self.servers]
        return min((wait_s for wait_s in waits if wait_s > 0), default=None)

    @property
    def is_down(self) -> bool:
        """None of them answers."""
        return all(server.down_since_s is not None for server in self.servers)


def _by_load(server: Server[Place]) -> tuple[bool, float]:
    return server.down_since_s is None, server.pace.in_work / server.pace.limit
