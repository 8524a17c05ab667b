"""Names for what is stored: digests of everything that determines it."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path

_EDGE_BYTES = 1 << 20
_BLOCKS, _BLOCK_BYTES = 64, 16 << 10


def digest_of(*parts: str | bytes | int) -> str:
    """SHA-256 (hex) of the parts. Each goes in with its type and length: ("a", "b") is not ("ab",), 1 is not "1"."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, bytes):
            kind, data = b"b", part
        elif isinstance(part, str):
            kind, data = b"s", part.encode("utf-8", "surrogatepass")
        else:
            kind, data = b"i", str(int(part)).encode()
        digest.update(b"%s%d:" % (kind, len(data)))
        digest.update(data)
    return digest.hexdigest()


def fingerprint(path: Path) -> str:
    """SHA-256 (hex) of a big file's size, first and last MiB, and 64 blocks between: some milliseconds.

    A GGUF's header is in its first part; training or quantizing again changes weights everywhere. Raises OSError.
    """
    status = os.stat(path)
    return _fingerprint(os.fspath(path), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _fingerprint(path: str, size: int, _mtime_ns: int) -> str:
    digest = hashlib.sha256(b"%d:" % size)
    with open(path, "rb") as file:
        if size <= 2 * _EDGE_BYTES + _BLOCKS * _BLOCK_BYTES:
            digest.update(file.read())
            return digest.hexdigest()
        digest.update(file.read(_EDGE_BYTES))
        for number in range(_BLOCKS):
            file.seek(_EDGE_BYTES + (size - 2 * _EDGE_BYTES - _BLOCK_BYTES) * number // (_BLOCKS - 1))
            digest.update(file.read(_BLOCK_BYTES))
        file.seek(size - _EDGE_BYTES)
        digest.update(file.read(_EDGE_BYTES))
    return digest.hexdigest()
