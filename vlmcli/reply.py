"""One answer, as whoever asked from Python sees it."""

from __future__ import annotations

from collections.abc import Iterator

from vlmcli.core import JobDone, JobEvent, JobText, Record
from vlmcli.errors import EngineError


class Reply:
    """An answer as it comes: iterate for its words, or take `text` (or `str()`) for all of it.

    The model is asked when the first of these happens. Raises VlmError when the question cannot be answered.
    """

    def __init__(self, events: Iterator[JobEvent]) -> None:
        self._events = events
        self._chunks: list[str] = []
        self._record: Record | None = None

    def __iter__(self) -> Iterator[str]:
        at = 0
        while at < len(self._chunks) or self.advance():
            yield from self._chunks[at : at + 1]
            at += 1

    def advance(self) -> bool:
        """Wait for the next words. False when there are no more."""
        for event in self._events:
            if isinstance(event, JobText):
                self._chunks.append(event.text)
                return True
            if isinstance(event, JobDone):
                self._record = event.record
        return False

    @property
    def record(self) -> Record:
        """Everything known of the answer: text, why it stopped, token counts, timings."""
        while self.advance():
            pass
        if self._record is None:
            raise EngineError("The answer was given up before it ended.")
        if self._record.error:
            raise self._record.error
        return self._record

    @property
    def text(self) -> str:
        return self.record.text

    def __str__(self) -> str:
        return self.text
