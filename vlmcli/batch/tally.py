"""How a job goes, for who watches it, and how it went."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from vlmcli.core import Record, StageName
from vlmcli.errors import VlmError


class Watcher(Protocol):
    """Who shows how the job goes. `tick` comes several times a second."""

    def planned(self, total: int) -> None: ...
    def loading(self, stage: StageName, note: str = "") -> None: ...
    def skipped(self, failed: bool) -> None: ...
    def answered(self, record: Record) -> None: ...
    def complained(self, error: VlmError) -> None: ...
    def stopping(self, in_work: int) -> None: ...
    def tick(self) -> None: ...


@dataclass(slots=True)
class Tally:
    """How it went: of all the pictures (and questions) that were named."""

    answered: int = 0
    copied: int = 0
    """Of those, identical to another picture."""
    cut_short: int = 0
    """Of those, not whole: a limit ended them."""
    undecided: int = 0
    """Of those, without a choice that is likely enough."""
    failed: int = 0
    complaints: int = 0
    """Folders and patterns that gave no pictures, and were said."""
    done_before: int = 0
    kinds_before: Counter[str] = field(default_factory=Counter)
    """How many failed before, by the kind of their error."""
    outdated: int = 0
    """Sidecars that keep the words of their own about pictures that have changed."""
    errors: dict[str, tuple[int, Exception]] = field(default_factory=dict)
    """By kind: how many failed now, and the first of them."""
    interrupted: bool = False

    @property
    def failed_before(self) -> int:
        return self.kinds_before.total()

    def count(self, record: Record) -> None:
        if record.error is not None:
            self._count_error(record.error)
            return
        self.answered += 1
        self.cut_short += record.cut_short
        self.undecided += record.undecided

    def _count_error(self, error: Exception) -> None:
        self.failed += 1
        kind = error.kind if isinstance(error, VlmError) else "internal"
        n_before, first = self.errors.get(kind, (0, error))
        self.errors[kind] = n_before + 1, first
