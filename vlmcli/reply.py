"""One answer, as whoever asked from Python sees it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from vlmcli.core import Confidence, JobDone, JobEvent, JobText, Record
from vlmcli.errors import EngineError, UsageError


class Reply:
    """An answer as it comes: iterate for its words, or take `text` (or `str()`) for all of it.

    The model is asked when the first of these happens. Raises VlmError when the question cannot be answered.
    """

    def __init__(self, events: Iterator[JobEvent], model: Any = None) -> None:
        """`model`: a Pydantic model, which the answer is an instance of."""
        self._events, self._model = events, model
        self._chunks: list[str] = []
        self._record: Record | None = None
        self._waits = threading.Lock()

    def __iter__(self) -> Iterator[str]:
        at = 0
        while at < len(self._chunks) or self.advance():
            yield from self._chunks[at : at + 1]
            at += 1

    def advance(self) -> bool:
        """Wait for the next words. False when there are no more. Raises UsageError while another thread waits."""
        if not self._waits.acquire(blocking=False):
            raise UsageError("This model answers another thread.", "Give each thread a Vlm of its own, or take turns.")
        try:
            return self._advance()
        finally:
            self._waits.release()

    def _advance(self) -> bool:
        for event in self._events:
            if isinstance(event, JobText):
                self._chunks.append(event.text)
                return True
            if isinstance(event, JobDone):
                self._record = event.record
                if event.record.text and not self._chunks:  # what has a form comes when it is whole
                    self._chunks.append(event.record.text)
                    return True
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

    @property
    def thinking(self) -> str:
        """What the model said on the way to its answer; empty where it said nothing."""
        return self.record.thinking

    @property
    def choice(self) -> str | None:
        """The label that was chosen; None when none was as likely as `min_confidence`."""
        return self.record.choice

    @property
    def probabilities(self) -> dict[str, float]:
        """Of each of the choices; they add up to 1."""
        return dict(self.record.probabilities)

    @property
    def data(self) -> Any:
        """What was asked for by a schema: dictionaries, lists, strings, numbers."""
        return self.record.data

    @property
    def instance(self) -> Any:
        """The same as an instance of the Pydantic model that was the schema."""
        if self._model is None:
            raise UsageError("The schema was no Pydantic model.", "Take the reply's .data")
        return self._model.model_validate(self.record.data)

    @property
    def confidence(self) -> Confidence | None:
        """The mean and the lowest probability of the answer's tokens."""
        return self.record.confidence

    def __str__(self) -> str:
        return self.text
