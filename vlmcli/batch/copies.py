"""Identical pictures: one is asked, the others wait for its record and get a copy.

Where the record says that the one cannot be written where its name leads, that is nothing about the others: the next of
them is asked in its stead.
"""

from __future__ import annotations

from vlmcli.batch.ledger import Key, Ledger
from vlmcli.batch.planning import Todo
from vlmcli.core import Record
from vlmcli.errors import OutputError

_NOBODY: Key = ("", "")


class Copies:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._in_work = set[Key]()
        self._waiting = dict[Key, list[Todo]]()
        self._stand_ins = dict[Key, Key]()

    def waits(self, todo: Todo) -> bool:
        """Whether its twin is being asked."""
        twin = self._twin_of(todo)
        if twin in self._in_work:
            self._waiting.setdefault(twin, []).append(todo)
        return twin in self._in_work

    def find(self, todo: Todo) -> Record | None:
        """The record of its twin, where there is one and it is about what both show."""
        twin = self._twin_of(todo)
        if twin not in self._ledger.entries:
            return None
        record = next(self._ledger.records([twin]))
        return None if isinstance(record.error, OutputError) else record

    def begin(self, todo: Todo) -> None:
        """It is asked itself; from now on others wait for it."""
        self._in_work.add(todo.key)
        if todo.twin:
            self._stand_ins[todo.twin] = todo.key

    def answered(self, todo: Todo) -> list[Todo]:
        """All who waited for it, and no longer do."""
        self._in_work.discard(todo.key)
        return self._waiting.pop(todo.key, [])

    def _twin_of(self, todo: Todo) -> Key:
        return self._stand_ins.get(todo.twin, todo.twin) if todo.twin else _NOBODY
