"""One entry on disk: a header with a checksum, a label, and the bytes themselves. Knows the format and no folders."""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

_MAGIC = b"vlmcache"
_VERSION = 1
_HEAD = struct.Struct("<8sIIQQ32s")  # magic, version, label bytes, payload bytes, hits, checksum
_HITS = struct.Struct("<Q")
_HITS_AT = 24
_MOST_HITS = 2**32
_LONGEST_LABEL_BYTES = 400

Part = bytes | bytearray | memoryview


class Broken(Exception):
    """Not a whole entry of this version: half-written, changed on the disk, or from another version of vlm."""


class Head(NamedTuple):
    label_bytes: int
    payload_bytes: int
    hits: int
    checksum: bytes


def label_as_bytes(label: str) -> bytes:
    return label.encode("utf-8", "replace")[:_LONGEST_LABEL_BYTES]


def size_of(label: bytes, parts: Sequence[Part]) -> int:
    return _HEAD.size + len(label) + sum(memoryview(part).nbytes for part in parts)


def write_entry(file: BinaryIO, name: str, label: bytes, parts: Sequence[Part]) -> None:
    """`name` goes into the checksum: an entry that lies in another's place is not believed."""
    checksum = _checksum(name, label)
    payload_bytes = 0
    for part in parts:
        checksum.update(part)
        payload_bytes += memoryview(part).nbytes
    file.write(_HEAD.pack(_MAGIC, _VERSION, len(label), payload_bytes, 0, checksum.digest()))
    file.write(label)
    for part in parts:
        file.write(part)


def read_entry(file: BinaryIO, name: str) -> tuple[bytes, int]:
    """The payload, verified, and its hits so far. Raises Broken or OSError."""
    head = _read_head(file)
    label = file.read(head.label_bytes)
    payload = file.read(head.payload_bytes)
    checksum = _checksum(name, label)
    checksum.update(payload)
    if checksum.digest() != head.checksum:
        raise Broken
    return payload, head.hits


def count_hit(path: Path, hits: int) -> None:
    """Write the number of hits, in place: this sets the file's time too, by which the least recently used is found.

    It is not in the checksum; of two processes that count at once one may go uncounted. Raises OSError.
    """
    with open(path, "r+b", buffering=0) as file:
        file.seek(_HITS_AT)
        file.write(_HITS.pack(hits))


def read_label(file: BinaryIO) -> tuple[str, int]:
    """Label and hits of an entry, without reading the rest. Raises Broken or OSError."""
    head = _read_head(file)
    return file.read(head.label_bytes).decode("utf-8", "replace"), head.hits


def _read_head(file: BinaryIO) -> Head:
    data = file.read(_HEAD.size)
    if len(data) < _HEAD.size:
        raise Broken
    magic, version, label_bytes, payload_bytes, hits, checksum = _HEAD.unpack(data)
    head = Head(label_bytes, payload_bytes, hits % _MOST_HITS, checksum)  # hits are in no checksum: it may be garbage
    whole = _HEAD.size + head.label_bytes + head.payload_bytes == os.fstat(file.fileno()).st_size
    if magic != _MAGIC or version != _VERSION or not whole:
        raise Broken
    return head


def _checksum(name: str, label: bytes) -> hashlib.blake2b:
    # As fast as SHA-256 where the processor has instructions for that, and three times as fast where it has not.
    start = name.encode() + b"\0" + label
    return hashlib.blake2b(b"%d:%s" % (len(start), start), digest_size=32)
