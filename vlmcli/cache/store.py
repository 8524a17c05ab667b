"""The store: bytes by kind and key. What is not there, or not whole, is not there; nothing of it ever raises."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from vlmcli.cache.entry import Broken, Part, read_label
from vlmcli.cache.files import remove
from vlmcli.cache.shelf import Cleared, Shelf, Stored

_MB, _GB = 10**6, 10**9

LIMITS_BYTES: Mapping[str, int] = {"rows": 4 * _GB, "kv": 4 * _GB, "answers": 256 * _MB}
"""The kinds, and how much of each is kept."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What is kept of one kind under one label (the model's name). Times are last uses, in seconds since 1970."""

    kind: str
    label: str
    entries: int
    size_bytes: int
    """On the disk, where the smallest file takes 4 KiB."""
    hits: int
    oldest: float
    newest: float


class Store:
    """Shared by processes and threads. Each kind holds at most `limits_bytes`; the least recently used goes first.

    Keys are digests (`digest_of`) of all that determines the bytes. Opening it touches nothing on the disk.
    """

    def __init__(self, root: Path, limits_bytes: Mapping[str, int]) -> None:
        self.root = root
        self._shelves = {kind: Shelf(root / kind, limit) for kind, limit in limits_bytes.items()}

    @property
    def models(self) -> Path:
        """A folder for small models that are made here, and made again when they are gone."""
        return self.root / "models"

    def get(self, kind: str, key: str) -> bytes | None:
        """The bytes as they were put, verified; None when they are not there. Counts as a use, now."""
        shelf = self._shelf(kind)
        try:
            return shelf.get(key)
        except Broken:
            remove(shelf.path(key))
        except (OSError, MemoryError):
            pass
        return None

    def put(self, kind: str, key: str, *parts: Part, label: str = "") -> bool:
        """Keep the parts, one after the other, as one entry: whole or not at all. Whether it is kept."""
        try:
            return self._shelf(kind).put(key, label, parts)
        except (OSError, MemoryError):
            return False

    def _shelf(self, kind: str) -> Shelf:
        return self._shelves.get(kind) or Shelf(self.root / kind, 0)

    def usage(self) -> list[Usage]:
        """What is there, by kind and label; broken entries under the label ""."""
        return [usage for kind in self._shelves for usage in self._usage_of(kind)]

    def _usage_of(self, kind: str) -> list[Usage]:
        found: dict[str, list[tuple[Stored, int]]] = {}
        try:
            for entry in self._shelves[kind].entries():
                label, hits = _label_of(entry)
                found.setdefault(label, []).append((entry, hits))
        except OSError:
            pass
        return [_sum(kind, label, found[label]) for label in sorted(found)]

    def clear(self, kind: str | None = None, older_than_s: float | None = None) -> Cleared:
        """Remove all, one kind, or what was not used for so long."""
        cleared = Cleared()
        if kind is None and older_than_s is None:
            _empty(self.models)
        for shelf in [self._shelf(kind)] if kind else self._shelves.values():
            with contextlib.suppress(OSError):  # `find_obstacle` tells of it
                cleared += shelf.clear(older_than_s)
        return cleared

    def find_obstacle(self) -> OSError | None:
        """Why what is there cannot be looked at."""
        for shelf in self._shelves.values():
            try:
                os.scandir(shelf.folder).close()
            except FileNotFoundError:
                continue
            except OSError as error:
                return error
        return None


def _empty(folder: Path) -> None:
    with contextlib.suppress(OSError), os.scandir(folder) as items:
        for item in items:
            remove(item.path)


def _label_of(entry: Stored) -> tuple[str, int]:
    try:
        with open(entry.path, "rb", buffering=0) as file:
            return read_label(cast(BinaryIO, file))
    except (OSError, Broken):
        return "", 0


def _sum(kind: str, label: str, found: list[tuple[Stored, int]]) -> Usage:
    times = [entry.used for entry, _hits in found]
    size_bytes = sum(entry.size_bytes for entry, _hits in found)
    return Usage(kind, label, len(found), size_bytes, sum(hits for _, hits in found), min(times), max(times))
