"""Puts things into the store on a thread of its own, so that an answer does not wait for the disk."""

from __future__ import annotations

import threading
from queue import SimpleQueue

from vlmcli.cache import Store

_Entry = tuple[str, str, bytes | bytearray, str]


class Saver:
    """`store`, with puts that return at once. Nothing is promised to be on disk before `close`."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._queue: SimpleQueue[_Entry | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def put(self, kind: str, key: str, data: bytes | bytearray, *, label: str) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._save, name="cache", daemon=True)
            self._thread.start()
        self._queue.put((kind, key, data, label))

    def _save(self) -> None:
        while entry := self._queue.get():
            kind, key, data, label = entry
            self.store.put(kind, key, data, label=label)

    def close(self) -> None:
        """Wait until all is stored."""
        if self._thread:
            self._queue.put(None)
            self._thread.join()
            self._thread = None
