"""Where answers go beside the ledger: files next to the pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from vlmcli.batch.ledger import Key, Ledger
from vlmcli.batch.planning import Todo, Verdict
from vlmcli.core import ImageRef, Record
from vlmcli.errors import OutputError, VlmError
from vlmcli.images.sources.promise import FailedRef
from vlmcli.output.sidecar import Sidecars


class Delivery:
    """`alone`: the sidecars are all that is wanted, so a picture that has its own is done.

    `check` raises OutputError for the name of a picture that has no place in the output.
    """

    def __init__(
        self, sidecars: Sidecars | None = None, alone: bool = False, check: Callable[[str], object] | None = None
    ) -> None:
        self._sidecars, self._alone, self._check = sidecars, alone, check

    def judged(self, verdict: Verdict, ledger: Ledger, key: Key) -> Verdict:
        """As `looked_at`; what was answered before and has lost its sidecar gets it back."""
        if self._sidecars and verdict == "done" and not ledger.entries[key].failed:
            self._sidecars.settle(next(ledger.records([key])))
        return self.looked_at(verdict, key)

    def looked_at(self, verdict: Verdict, key: Key) -> Verdict:
        """The planner's verdict with the output in mind: it may refuse a picture, or have it already."""
        if not isinstance(verdict, Todo):
            return verdict
        try:
            if self._check:
                self._check(key[0])
            if self._sidecars:
                self._sidecars.claim(key[0])
                return "done" if self._alone and self._sidecars.keeps(key[0]) else verdict
        except OutputError as error:
            return _refused(verdict, error)
        return verdict

    def settle(self, record: Record) -> Record:
        """The record, failed where its sidecar is refused. Raises OutputError for a full disk."""
        return record if self._sidecars is None else self._sidecars.settle(record)


def _refused(todo: Todo, error: VlmError) -> Todo:
    ref: ImageRef = FailedRef(todo.name, "file", todo.wanted.ref.path, error=error)  # type: ignore[arg-type]
    already = isinstance(todo.wanted.ref, FailedRef)  # a picture that is not there has the better reason
    return todo if already else replace(todo, wanted=replace(todo.wanted, ref=ref), twin=None)
