"""Reads the header of a GGUF file. Nothing in it is believed before it was held against the size of the file.

So a broken or hostile file costs a sentence: never a crash, never more time or memory than the limits below allow.
Refused is what llama.cpp's own reader refuses (ggml/src/gguf.cpp), and what it would end the process over.
"""

from __future__ import annotations

import os
import struct
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from vlmcli.errors import ModelDamaged, ModelNotFound
from vlmcli.gguf.checks import alignment_of, check_metadata, check_projector, check_tensors, check_type
from vlmcli.gguf.contents import FETCH_AGAIN, LEAST_BYTES, not_gguf, too_short, wrong_version
from vlmcli.gguf.header import Header, Value
from vlmcli.gguf.tensors import Tensor, type_name

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_SIZES = {kind: struct.calcsize(layout) for kind, layout in _SCALARS.items()}
_STRING, _ARRAY = 8, 9
_LEAST_TENSOR_BYTES = 8 + 4 + 4 + 8
_LEAST_PAIR_BYTES = 8 + 4 + 1

# Far above what any model has, and little enough to be read in seconds.
_MOST_ENTRIES = 1 << 16
_MOST_WORDS = 1 << 21
"""In all arrays of texts together: vocabularies have up to 2**18, their merges twice as many."""
_LONGEST_HEADER_BYTES = 128 << 20
_LONGEST_KEY_BYTES = 65535
_LONGEST_TENSOR_NAME_BYTES = 63
_LONGEST_TEXT_KEPT_BYTES = 1 << 20
_MOST_TEXT_KEPT_BYTES = 16 << 20
_LONGEST_WORDS_KEPT, _LONGEST_NUMBERS_KEPT = 64, 512
"""Items of an array. llama.cpp has 512 layers at most, each with a number of its own in some arrays."""

_READ_BYTES = 1 << 20


def read_header(path: Path) -> Header:
    """Read and check a GGUF header: a tenth of a second for a large vocabulary, once for each file of a process.

    Of a model that is split into several files this is the named file's own header: see `find_parts` for the others.
    Raises ModelNotFound or ModelDamaged with a sentence about the file.
    """
    try:
        status = path.stat()
        return _read(path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    except FileNotFoundError:
        raise ModelNotFound(f"There is no file {path}.", "Check the path; vlm --model demo needs no file.") from None
    except OSError as error:
        raise ModelNotFound(f"{path} cannot be read: {error.strerror or error}.") from None


@lru_cache(maxsize=32)
def _read(path: Path, *identity: int) -> Header:
    """`identity` changes with the file. To open a pipe would wait for its writer, perhaps for ever."""
    if path.is_dir():
        raise ModelNotFound(f"{path} is a folder.", "Name the .gguf file inside it.")
    if not path.is_file():
        raise ModelNotFound(f"{path} is not a file on disk.", "llama.cpp reads models from files: name a .gguf file.")
    with path.open("rb") as file:
        return Reader(path, file, os.fstat(file.fileno()).st_size).header()


class Reader:
    """Walks a header once, over bytes that it reads as it goes.

    Not over a memory map: a file that is cut short meanwhile would end the process there (SIGBUS).
    """

    def __init__(self, path: Path, file: BinaryIO, size_bytes: int) -> None:
        self._path, self._file, self._size_bytes = path, file, size_bytes
        self._data, self._at = bytearray(), 0
        self._words = self._text_bytes = 0
        self._kinds: dict[str, int] = {}
        self._lengths: dict[str, int] = {}

    def header(self) -> Header:
        """Raises OSError, ModelDamaged."""
        self._check_start()
        n_tensors, n_pairs = self._count(_LEAST_TENSOR_BYTES), self._count(_LEAST_PAIR_BYTES)
        if max(n_tensors, n_pairs) > _MOST_ENTRIES:
            raise self._damaged(f"its header counts {n_tensors:,} tensors and {n_pairs:,} values")
        metadata: dict[str, Value] = {}
        for _ in range(n_pairs):
            key = self._name("key", _LONGEST_KEY_BYTES)
            if not key or key in metadata:
                raise self._damaged(
                    f"its header has the key {key[:60]!r} twice" if key else "a key in its header is empty"
                )
            metadata[key] = self._value(key)
        self._hold_to(check_metadata(metadata, self._kinds))
        tensors: dict[str, Tensor] = {}
        for _ in range(n_tensors):
            name = self._name("tensor name", _LONGEST_TENSOR_NAME_BYTES)
            if name in tensors:
                raise self._damaged(f"it has two tensors {name!r}")
            tensors[name] = self._tensor(name)
        self._hold_to(check_tensors(tensors, alignment_of(metadata), self._at, self._size_bytes))
        self._hold_to(check_projector(metadata, tensors))
        return Header(self._path, self._size_bytes, metadata, tensors, self._lengths)

    def _check_start(self) -> None:
        self._data += self._file.read(_READ_BYTES)
        start = bytes(self._data[:64])
        if start[:4] != b"GGUF":
            raise not_gguf(self._path, start, self._size_bytes)
        if self._size_bytes < LEAST_BYTES:
            raise too_short(self._path, self._size_bytes)
        self._at = 4
        version = self._number("<I", 4)
        if version not in (2, 3):
            raise wrong_version(self._path, version)

    def _damaged(self, why: str) -> ModelDamaged:
        return ModelDamaged(f"{self._path} is damaged: {why}.", FETCH_AGAIN)

    def _hold_to(self, wrong: str | None) -> None:
        if wrong:
            raise self._damaged(wrong)

    # --- bytes --------------------------------------------------------------------------------------------

    def _read_on(self, end: int) -> None:
        """Have the file's bytes up to `end`, and a good piece more. Raises where it has no such bytes."""
        if end > self._size_bytes:
            raise self._damaged("its header ends too early")
        if end > _LONGEST_HEADER_BYTES:
            raise self._damaged("its header is longer than any model's")
        if end > len(self._data):
            wanted = max(end, min(2 * len(self._data), _LONGEST_HEADER_BYTES))
            self._data += self._file.read(wanted - len(self._data))
            if end > len(self._data):
                raise self._damaged("its header ends too early")

    def _skip(self, size_bytes: int) -> int:
        """Go on by so many bytes; returns where they start."""
        start, self._at = self._at, self._at + size_bytes
        if self._at > len(self._data):
            self._read_on(self._at)
        return start

    def _number(self, layout: str, size_bytes: int) -> Any:
        return struct.unpack_from(layout, self._data, self._skip(size_bytes))[0]

    def _count(self, least_bytes_each: int) -> int:
        """A 64-bit count of things that take at least so many bytes each: more than the file can hold is a lie."""
        count: int = self._number("<Q", 8)
        if count * least_bytes_each > self._size_bytes - self._at:
            raise self._damaged("its header counts more than the file holds")
        return count

    # --- texts --------------------------------------------------------------------------------------------

    def _name(self, what: str, longest_bytes: int) -> str:
        length = self._count(1)
        if length > longest_bytes:
            raise self._damaged(f"a {what} in its header is {length:,} bytes long")
        return self._kept_text(length)

    def _text(self) -> str:
        """One that is longer than any template is passed over, and reads as empty."""
        length = self._count(1)
        if length <= _LONGEST_TEXT_KEPT_BYTES:
            return self._kept_text(length)
        self._skip(length)
        return ""

    def _kept_text(self, length: int) -> str:
        self._text_bytes += length
        if self._text_bytes > _MOST_TEXT_KEPT_BYTES:
            raise self._damaged("its header holds more text than any model's")
        start = self._skip(length)
        return self._data[start : start + length].decode("utf-8", "replace")

    # --- values -------------------------------------------------------------------------------------------

    def _value(self, key: str) -> Value:
        kind = self._kinds[key] = self._number("<I", 4)
        if kind in _SCALARS:
            scalar: Value = self._number(_SCALARS[kind], _SIZES[kind])
            return scalar
        if kind == _STRING:
            return self._text()
        if kind != _ARRAY:
            raise self._damaged(f"its header holds a value of unknown type {kind}")
        item = self._number("<I", 4)
        if item != _STRING and item not in _SCALARS:
            raise self._damaged(f"its header holds an array of unknown type {item}")
        count = self._lengths[key] = self._count(8 if item == _STRING else _SIZES[item])
        return self._words_of(key, count) if item == _STRING else self._numbers_of(count, item)

    def _numbers_of(self, count: int, kind: int) -> tuple[Any, ...]:
        start = self._skip(count * _SIZES[kind])
        if count > _LONGEST_NUMBERS_KEPT:
            return ()
        return struct.unpack_from(f"<{count}{_SCALARS[kind][1]}", self._data, start)

    def _words_of(self, key: str, count: int) -> tuple[str, ...]:
        self._words += count
        if self._words > _MOST_WORDS:
            raise self._damaged("its vocabulary is larger than any model's")
        if count <= _LONGEST_WORDS_KEPT:
            return tuple(self._text() for _ in range(count))
        data, at, held, length_at = self._data, self._at, len(self._data), struct.Struct("<Q").unpack_from
        for _ in range(count):  # half a million in a large vocabulary: written for speed
            if at + 8 > held:
                self._read_on(at + 8)
                held = len(data)
            at += 8 + length_at(data, at)[0]
        self._skip(at - self._at)
        return ()

    # --- tensors ------------------------------------------------------------------------------------------

    def _tensor(self, name: str) -> Tensor:
        n_dims = self._number("<I", 4)
        if n_dims > 4:
            raise self._damaged(f"its tensor {name!r} has {n_dims:,} dimensions")
        shape = tuple(self._number("<Q", 8) for _ in range(n_dims))
        number, offset = self._number("<I", 4), self._number("<Q", 8)
        self._hold_to(check_type(name, number))
        return Tensor(shape, type_name(number), offset)
