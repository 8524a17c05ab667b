"""One request on its way through however many tries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vlmcli.core import Answer, Request
from vlmcli.engine.server.reading import Reading


@dataclass(slots=True, eq=False)
class Work:
    """`shown`: words of its answer that were handed out."""

    request: Request
    started_s: float = 0.0
    tries: int = 0
    shown: str = ""
    reading: Reading | None = None
    uris: Mapping[str, str] = field(default_factory=dict)

    @property
    def deadline_s(self) -> float | None:
        timeout_s = self.request.timeout_s
        return None if timeout_s is None else self.started_s + timeout_s

    @property
    def said_so_far(self) -> Answer:
        """For who does not wait for the rest."""
        return self.reading.answer("interrupted") if self.reading else Answer("", "interrupted")
