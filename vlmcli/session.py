"""A conversation: pictures, and what was asked and answered about them so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vlmcli.core import ImageRef, JobDone, JobEvent, Record
from vlmcli.errors import DoesNotFit
from vlmcli.reply import Reply
from vlmcli.tasks import Exchange

Start = Callable[[tuple[ImageRef, ...], str, tuple[Exchange, ...]], Iterator[JobEvent]]
"""Asks a question about pictures, after what was said before."""


class Conversation:
    """Each question is asked with the whole history; the engine reads only what is new of it.

    When the context is full the oldest exchange is forgotten, never a picture; `forgotten` counts them.
    """

    def __init__(self, pictures: tuple[ImageRef, ...], start: Start) -> None:
        self.pictures = pictures
        self.history: list[Exchange] = []
        self.forgotten = 0
        self._start = start

    def ask(self, question: str) -> Reply:
        """The answer, as it comes."""
        return Reply(self.events(question))

    def events(self, question: str) -> Iterator[JobEvent]:
        """The events of one question. What was answered, also in part, belongs to the history afterwards."""
        while True:
            for event in self._start(self.pictures, question, tuple(self.history)):
                if isinstance(event, JobDone):
                    if isinstance(event.record.error, DoesNotFit) and self.history:
                        break
                    self._remember(question, event.record)
                yield event
            else:
                return
            del self.history[0]
            self.forgotten += 1

    def reset(self, pictures: tuple[ImageRef, ...] | None = None) -> None:
        """Start afresh, about other pictures where some are given."""
        self.history.clear()
        self.forgotten = 0
        self.pictures = pictures or self.pictures

    def _remember(self, question: str, record: Record) -> None:
        if record.text:
            self.history.append((question, record.text))
        if record.stop_reason == "context" and len(self.history) > 1:
            del self.history[0]
            self.forgotten += 1
