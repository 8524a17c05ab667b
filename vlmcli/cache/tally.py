"""How many bytes a shelf holds, as far as processes told each other: nobody looks at every file for each new one."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

from vlmcli.cache.files import create, name_beside, remove

_NUMBER = struct.Struct("<q")
_MOST_BYTES = 4096 * _NUMBER.size


class Tally:
    """A file of 8-byte numbers: the sum at the last look at all files, then what each put has added.

    What others add while one process looks is lost, and what replaces an entry counts twice: both are put right at
    the next look, which comes after 4096 numbers at the latest.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def total(self) -> int | None:
        """None: it is not known, so it is time to look."""
        try:
            with open(self.path, "rb") as file:
                data = file.read(_MOST_BYTES)
        except OSError:
            return None
        if not data or len(data) % _NUMBER.size or len(data) == _MOST_BYTES:
            return None
        numbers: Iterator[tuple[int]] = _NUMBER.iter_unpack(data)
        return sum(size_bytes for (size_bytes,) in numbers)

    def add(self, size_bytes: int) -> None:
        try:
            with open(self.path, "ab", buffering=0) as file:
                file.write(_NUMBER.pack(size_bytes))
        except OSError:
            self.forget()

    def begin(self, total: int) -> None:
        """Write down what a look at all files has found."""
        beside = name_beside(self.path)
        try:
            with create(beside) as file:
                file.write(_NUMBER.pack(total))
            os.replace(beside, self.path)
        except OSError:
            remove(beside)
            self.forget()

    def forget(self) -> None:
        remove(self.path)
