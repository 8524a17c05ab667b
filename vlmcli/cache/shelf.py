"""The entries of one kind: a folder of files, bounded in size, shared by processes without locks.

A file is written beside its place and renamed into it, so it is there whole or not at all. What two processes do to
the same file at once leaves one of their results.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from vlmcli.cache.digests import digest_of
from vlmcli.cache.entry import Part, count_hit, label_as_bytes, read_entry, size_of, write_entry
from vlmcli.cache.files import create, name_beside, remove
from vlmcli.cache.tally import Tally

_BLOCK_BYTES = 4096
"""What the smallest file takes on a disk: sizes are counted in these."""
_LEFTOVER_S = 3600.0
"""After so long a file that is being written belongs to a process that was killed."""
_ROOMY = 0.9
"""How full a shelf is left when something had to go, so that the next entries need no look at all the files."""
_DIGEST_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Stored:
    """A file of the shelf: what it takes on the disk, and when it was last used (seconds since 1970)."""

    path: str
    size_bytes: int
    used: float


@dataclass(frozen=True, slots=True)
class Cleared:
    """How many entries went, and their bytes; how many had to stay, and why the first of them did."""

    entries: int = 0
    size_bytes: int = 0
    left: int = 0
    reason: str = ""

    def __add__(self, more: Cleared) -> Cleared:
        return Cleared(
            self.entries + more.entries,
            self.size_bytes + more.size_bytes,
            self.left + more.left,
            self.reason or more.reason,
        )


class Shelf:
    """One kind's folder: `ab/abcd…` for each entry, and `tally`, by which its size is known."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.folder, self.limit_bytes = folder, limit_bytes
        self._tally = Tally(folder / "tally")
        self._limit_is_kept = False

    def get(self, key: str) -> bytes:
        """Raises Broken, OSError or MemoryError."""
        path = self.path(key)
        with open(path, "rb") as file:
            payload, hits = read_entry(file, f"{self.folder.name}/{key}")
        with contextlib.suppress(OSError):  # a folder that may only be read
            count_hit(path, hits + 1)
            self._keep_limit()
        return payload

    def put(self, key: str, label: str, parts: Sequence[Part]) -> bool:
        """False when it is larger than the shelf. Raises OSError or MemoryError, and leaves nothing behind then."""
        label_bytes = label_as_bytes(label)
        size_bytes = _on_disk(size_of(label_bytes, parts))
        if size_bytes > self.limit_bytes:
            self._make_room(0)  # the limit may have become smaller
            return False
        path = self.path(key)
        beside = name_beside(path)
        try:
            with self._create(beside) as file:
                write_entry(file, f"{self.folder.name}/{key}", label_bytes, parts)
            self._make_room(size_bytes)
            os.replace(beside, path)
        except BaseException:
            remove(beside)
            raise
        self._tally.add(size_bytes)
        return True

    def path(self, key: str) -> Path:
        name = key if _is_digest(key) else digest_of(key)
        return self.folder / name[:2] / name

    def entries(self) -> Iterator[Stored]:
        """Every entry. Raises OSError when the folder cannot be listed; a file that goes meanwhile is left out."""
        for item in self._files():
            if _is_digest(item.name):
                try:
                    status = item.stat(follow_symlinks=False)
                except OSError:
                    continue
                yield Stored(item.path, _on_disk(status.st_size), status.st_mtime)

    def clear(self, older_than_s: float | None) -> Cleared:
        """Remove what was not used for so long, or everything. Raises OSError when the folder cannot be listed."""
        latest = None if older_than_s is None else time.time() - older_than_s
        cleared = Cleared()
        for entry in self.entries():
            if latest is None or entry.used < latest:
                cleared += _removed(entry)
        self._remove_leftovers()
        self._tally.forget()
        for folder in self._folders():
            try:
                os.rmdir(folder)
            except OSError:
                pass  # not empty
        return cleared

    # --- room -------------------------------------------------------------------------------------------------

    def _keep_limit(self) -> None:
        """Once in a process: who only takes what is there keeps a limit, too, that has become smaller."""
        if not self._limit_is_kept:
            self._limit_is_kept = True
            held = self._tally.total()
            if held is not None and held > self.limit_bytes:
                self._make_room(0)

    def _make_room(self, size_bytes: int) -> None:
        """The least recently used goes, as far as the new entry needs it."""
        held = self._tally.total()
        if held is not None and held + size_bytes <= self.limit_bytes:
            return
        entries = sorted(self.entries(), key=lambda entry: entry.used)
        total = sum(entry.size_bytes for entry in entries)
        if total + size_bytes > self.limit_bytes:
            goal = int((self.limit_bytes - size_bytes) * _ROOMY)
            for entry in entries:
                if total <= goal:
                    break
                remove(entry.path)
                total -= entry.size_bytes
        self._remove_leftovers()
        self._tally.begin(total)

    # --- files ------------------------------------------------------------------------------------------------

    def _create(self, path: Path) -> BinaryIO:
        """A new file that only the user may read. The folders are made when they are missing, deleted ones too."""
        for _attempt in range(3):  # another process may be clearing
            try:
                return create(path)
            except FileNotFoundError:
                self.folder.parent.parent.mkdir(parents=True, exist_ok=True)
                for folder in (self.folder.parent, self.folder, path.parent):
                    folder.mkdir(mode=0o700, exist_ok=True)
        return create(path)

    def _folders(self) -> list[str]:
        """Those named like ours: whatever else lies there is somebody else's. Raises OSError."""
        with os.scandir(self.folder) as items:
            return [item.path for item in items if len(item.name) == 2 and _is_hex(item.name)]

    def _files(self) -> Iterator[os.DirEntry[str]]:
        for folder in self._folders():
            try:
                with os.scandir(folder) as items:
                    yield from list(items)
            except OSError:
                continue

    def _remove_leftovers(self) -> None:
        """What processes that were killed had begun to write."""
        with os.scandir(self.folder) as items:
            beside = [item for item in (*items, *self._files()) if item.name.startswith(".")]
        for item in beside:
            try:
                if item.stat(follow_symlinks=False).st_mtime < time.time() - _LEFTOVER_S:
                    os.unlink(item.path)
            except OSError:
                continue


def _removed(entry: Stored) -> Cleared:
    try:
        os.unlink(entry.path)
    except FileNotFoundError:
        return Cleared()  # by somebody else
    except OSError as error:
        return Cleared(left=1, reason=error.strerror or str(error))
    return Cleared(1, entry.size_bytes)


def _on_disk(size_bytes: int) -> int:
    return -(-size_bytes // _BLOCK_BYTES) * _BLOCK_BYTES


def _is_digest(name: str) -> bool:
    return len(name) == _DIGEST_LENGTH and _is_hex(name)


def _is_hex(name: str) -> bool:
    return not name.strip("0123456789abcdef")
