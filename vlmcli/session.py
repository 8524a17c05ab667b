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

    When the context is full the oldest exchange is forgotten, never a picture. `said` keeps all of them; the first
    `forgotten` of those are no longer given to the model.
    """

    def __init__(self, pictures: tuple[ImageRef, ...], start: Start) -> None:
        self.pictures = pictures
        self.said: list[Exchange] = []
        self.forgotten = 0
        self._start = start

    @property
    def history(self) -> tuple[Exchange, ...]:
        """What the model still knows of what was said."""
        return tuple(self.said[self.forgotten :])

    def ask(self, question: str) -> Reply:
        """The answer, as it comes."""
        return Reply(self.events(question))

    def events(self, question: str) -> Iterator[JobEvent]:
        """The events of one question. What was answered, also in part, belongs to the history afterwards.

        Nothing is forgotten for a question that does not even fit alone.
        """
        for forgotten in range(self.forgotten, len(self.said) + 1):
            for event in self._start(self.pictures, question, tuple(self.said[forgotten:])):
                if isinstance(event, JobDone):
                    if isinstance(event.record.error, DoesNotFit) and forgotten < len(self.said):
                        break
                    self._remember(question, event.record, forgotten)
                yield event
            else:
                return

    def reset(self, pictures: tuple[ImageRef, ...] | None = None) -> None:
        """Start afresh, about other pictures where some are given."""
        self.said.clear()
        self.forgotten = 0
        self.pictures = pictures or self.pictures

    def _remember(self, question: str, record: Record, forgotten: int) -> None:
        """What was answered, and that the model no longer knew the first `forgotten` exchanges."""
        if isinstance(record.error, DoesNotFit):
            return
        self.forgotten = forgotten
        if record.text:
            self.said.append((question, record.text))
        if record.stop_reason == "context" and len(self.history) > 1:
            self.forgotten += 1
