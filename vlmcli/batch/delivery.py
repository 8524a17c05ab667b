"""Where answers go beside the ledger: files next to the pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from vlmcli.batch.ledger import Key, Ledger
from vlmcli.batch.planning import Todo, Verdict, Wanted
from vlmcli.core import ImageRef, Record
from vlmcli.errors import OutputError, VlmError
from vlmcli.images.sources.promise import FailedRef
from vlmcli.output.sidecar import Sidecars

Check = Callable[[str, str], object]


class Delivery:
    """`alone`: the sidecars are all that is wanted, so a picture that has its own is done.

    Each of `checks` raises OutputError for a picture and a question whose answer has no place in the output.
    """

    def __init__(self, sidecars: Sidecars | None = None, alone: bool = False, checks: Sequence[Check] = ()) -> None:
        self._sidecars, self._alone, self._checks = sidecars, alone, checks

    def looked_at(self, verdict: Verdict, key: Key) -> Verdict:
        """The planner's verdict with the output in mind: it may refuse a picture, or have it already."""
        if not isinstance(verdict, Todo):
            return verdict
        try:
            self._check(key)
            if self._sidecars:
                self._sidecars.claim(key[0])
                return "done" if self._alone and self._sidecars.keeps(key[0]) else verdict
        except OutputError as error:
            return _refused(verdict, error)
        return verdict

    def bring_back(self, wanted: Wanted, ledger: Ledger, key: Key) -> Record | None:
        """What was answered before and has lost its sidecar gets it again. The failed record, where that is refused."""
        if self._sidecars is None or key not in ledger.entries or isinstance(wanted.ref, FailedRef):
            return None
        record = next(ledger.records([key]))
        try:
            self._check(key)
        except OutputError as error:
            return replace(record, error=error)
        record = self._sidecars.settle(record)
        return record if record.error else None

    def settle(self, record: Record, ledger: Ledger, key: Key) -> Record:
        """The record, failed where its sidecar is refused. Raises OutputError for a full disk."""
        if self._sidecars is None:
            return record
        entry = ledger.entries.get(key)
        before = next(ledger.records([key])) if entry and not entry.failed else None
        return self._sidecars.settle(record, before)

    @property
    def outdated(self) -> int:
        """Sidecars that hold words of somebody's own about a picture that has changed."""
        return self._sidecars.outdated if self._sidecars else 0

    def _check(self, key: Key) -> None:
        for check in self._checks:
            check(*key)


def _refused(todo: Todo, error: VlmError) -> Todo:
    ref: ImageRef = FailedRef(todo.name, "file", todo.wanted.ref.path, error=error)  # type: ignore[arg-type]
    already = isinstance(todo.wanted.ref, FailedRef)  # a picture that is not there has the better reason
    return todo if already else replace(todo, wanted=replace(todo.wanted, ref=ref), twin=None)
