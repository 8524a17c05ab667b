"""Headers that were whole once: bits turned, pieces cut out, put in or said twice, numbers set to their limits."""

from __future__ import annotations

import io
import random
import struct
from pathlib import Path
from typing import NamedTuple

from vlmcli.gguf import Header
from vlmcli.gguf.reader import Reader

LIMITS = (0, 1, 2, 3, 4, 8, 9, 12, 13, 31, 33, 64, 255, 2**16, 2**31 - 1, 2**31, 2**32 - 1)
WIDE_LIMITS = (*LIMITS, 2**32, 2**40, 2**60, 2**61 - 1, 2**63 - 1, 2**63, 2**64 - 32, 2**64 - 1)


class Whole(NamedTuple):
    """A header that can be read. `numbers`: where its numbers of 4 and 8 bytes stand: (place, bytes)."""

    data: bytes
    size_bytes: int
    numbers: tuple[tuple[int, int], ...]


class _TracingReader(Reader):
    """Keeps where it read numbers."""

    def __init__(self, path: Path, data: bytes, size_bytes: int) -> None:
        super().__init__(path, io.BytesIO(data), size_bytes)
        self.numbers: list[tuple[int, int]] = []

    def _number(self, layout: str, size_bytes: int) -> object:
        self.numbers.append((self._at, size_bytes))
        return super()._number(layout, size_bytes)

    @property
    def header_bytes(self) -> int:
        return self._at


def read(data: bytes, size_bytes: int, name: str = "m.gguf") -> Header:
    """`data`: a header, of a file that is said to have `size_bytes`."""
    return Reader(Path("/nowhere") / name, io.BytesIO(data), size_bytes).header()


def whole(data: bytes) -> Whole:
    """A file without its tensors' data."""
    reader = _TracingReader(Path("m.gguf"), data, len(data))
    reader.header()
    places = tuple(place for place in reader.numbers if place[1] in (4, 8))
    return Whole(data[: reader.header_bytes], len(data), places)


def mutant(start: Whole, chance: random.Random) -> tuple[bytes, int]:
    """A header and the size of its file."""
    data = bytearray(start.data)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        _change(data, start, chance)
    if chance.random() < 0.2:
        del data[chance.randrange(len(data) + 1) :]
    cut = chance.random() < 0.2
    return bytes(data), chance.randrange(start.size_bytes) if cut else start.size_bytes - len(start.data) + len(data)


def _change(data: bytearray, start: Whole, chance: random.Random) -> None:
    kind = chance.randrange(8)
    place = chance.randrange(len(data)) if data else 0
    length = chance.choice((1, 4, 8, 12, 40, 200))
    if kind == 0:
        data[place : place + 1] = bytes([data[place] ^ 1 << chance.randrange(8)]) if data else b""
    elif kind == 1:
        del data[place : place + length]
    elif kind == 2:
        data[place:place] = chance.randbytes(length)
    elif kind == 3:
        data[place:place] = data[place : place + length]
    else:
        _set_number(data, start, chance)


def _set_number(data: bytearray, start: Whole, chance: random.Random) -> None:
    """Mostly near the start, where counts and settings are: the rest is mostly tensors, one like the other."""
    numbers = start.numbers if chance.random() < 0.5 else start.numbers[:80]
    place, size_bytes = chance.choice(numbers)
    if size_bytes == 4:
        data[place : place + 4] = struct.pack("<I", chance.choice(LIMITS))
    else:
        data[place : place + 8] = struct.pack("<Q", chance.choice(WIDE_LIMITS))
