"""An iterator that somebody else waits for: a slow disk, or a list that is still being written, holds nobody up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from queue import Empty, Queue
from typing import Generic, Literal, TypeVar

T = TypeVar("T")

_ROOM = 256


class Ahead(Generic[T]):
    """Reads `source` on a thread of its own, a little ahead."""

    def __init__(self, source: Iterator[T]) -> None:
        self._source = source
        self._read: Queue[tuple[T] | BaseException | None] = Queue(_ROOM)
        self._started = False

    def take(self) -> tuple[T] | Literal["later", "end"]:
        """The next one, in a tuple, if it is there. Raises what the source raised."""
        if not self._started:
            self._started = True
            threading.Thread(target=self._work, name="plan", daemon=True).start()
        try:
            item = self._read.get_nowait()
        except Empty:
            return "later"
        if isinstance(item, BaseException):
            raise item
        return item or "end"

    def _work(self) -> None:
        try:
            for item in self._source:
                self._read.put((item,))
            self._read.put(None)
        except BaseException as error:
            self._read.put(error)


def as_they_come(source: Iterator[T]) -> Iterator[T | None]:
    """What `source` gives, and None when it has nothing just now."""
    ahead = Ahead(source)
    while (taken := ahead.take()) != "end":
        if taken == "later":
            yield None
        else:
            yield taken[0]
