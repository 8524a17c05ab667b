"""The part of a file that is here: `blobs/ETAG.vlm-partial`, in which every byte stays where it belongs.

Its name is the file's id, so a file that changed at the Hub has another one, and the old one waits for `prune`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

SUFFIX = ".vlm-partial"
_READ_BYTES = 1 << 20
_SYNC_EVERY_S = 1.0

_data_to_disk = getattr(os, "fdatasync", os.fsync)


def partial_of(blob: Path) -> Path:
    return blob.with_name(blob.name + SUFFIX)


def size_of(path: Path) -> int:
    """Bytes; 0 where there is nothing."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


class Partial:
    """Open for writing at its end. What was written is in the file at once, so it outlives this process; and on the
    disk a second later, so that little is lost with the power and the last wait is short. All of it raises OSError.

    It is never opened to append: where a file system grants the lock to two processes, both write the same bytes to the
    same places, and neither spoils the file.
    """

    def __init__(self, path: Path, limit_bytes: int) -> None:
        self._path = path
        self._file = open(path, "r+b" if path.exists() else "w+b", buffering=0)  # noqa: SIM115  closed by __exit__
        self.size_bytes = self._file.seek(0, os.SEEK_END)
        if self.size_bytes > limit_bytes:  # whatever it is, it is not the beginning of this file
            self.empty()
        self._failure: OSError | None = None
        self._over = threading.Event()
        self._syncing = threading.Thread(target=self._sync, daemon=True)
        self._syncing.start()

    def __enter__(self) -> Partial:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._syncing.join()  # it must not sync a number that is another file's by then
        self._file.close()
        if error and not self.size_bytes:  # nothing came: nothing to go on from
            self._path.unlink(missing_ok=True)

    def blocks(self) -> Iterator[memoryview]:
        """What is there, from the beginning. A block is good until the next one."""
        buffer, left_bytes = memoryview(bytearray(_READ_BYTES)), self.size_bytes
        self._file.seek(0)
        while n_bytes := self._file.readinto(buffer[:left_bytes]):
            yield buffer[:n_bytes]
            left_bytes -= n_bytes

    def add(self, data: bytes) -> None:
        """At the end."""
        self._file.seek(self.size_bytes)
        left = memoryview(data)
        while left:
            written = self._file.write(left) or 0
            left = left[written:]
            self.size_bytes += written

    def empty(self) -> None:
        self._file.truncate(0)
        self.size_bytes = 0

    def settle(self) -> None:
        """All of it is on the disk, and so is its size."""
        if self._failure:
            raise self._failure
        os.fsync(self._file.fileno())

    def _sync(self) -> None:
        while not self._over.wait(_SYNC_EVERY_S):
            try:
                _data_to_disk(self._file.fileno())
            except OSError as error:
                self._failure = error  # for `settle`: the system tells it once
                return
