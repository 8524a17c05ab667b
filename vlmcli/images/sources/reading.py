"""Bytes from a stream or a pipe, never without bound."""

from __future__ import annotations

import os
import time
from typing import BinaryIO

from vlmcli.core import ImageRef
from vlmcli.errors import NotAPicture, PictureTooLarge
from vlmcli.images.words import called

MAX_BYTES = 10**9
WRITER_WAIT_S = 5.0
"""How long a named pipe may stay without a writer. A pipe that somebody holds open is waited for, as `cat` does."""

_CHUNK_BYTES = 1 << 20


def read_bounded(stream: BinaryIO, ref: ImageRef, start: bytes = b"") -> bytes:
    """`start` and all of `stream`. PictureTooLarge above MAX_BYTES, NotAPicture where there is nothing."""
    chunks, size_bytes = [start], len(start)
    # In chunks: one read of MAX_BYTES would first allocate them.
    while chunk := stream.read(_CHUNK_BYTES):
        chunks.append(chunk)
        size_bytes += len(chunk)
        if size_bytes > MAX_BYTES:
            raise PictureTooLarge(
                f"{called(ref)} is too large: more than {MAX_BYTES // 10**6:,} MB.", "Make a smaller copy of it first."
            )
    if not size_bytes:
        raise empty(ref)
    return b"".join(chunks)


def empty(ref: ImageRef) -> NotAPicture:
    if ref.kind == "stdin":
        return NotAPicture(
            "Standard input was empty: there is no picture in it.",
            "See whether the command before the pipe says something.",
        )
    return NotAPicture(f"{called(ref)} is empty: there is no picture in it.", "Copy or download it again.")


def read_pipe(path: str, ref: ImageRef) -> bytes:
    """What comes out of a pipe: one made by `mkfifo`, or `<(…)`, which the shell passes as /dev/fd/63.

    Does not hang where nobody writes: a named pipe that has no writer for WRITER_WAIT_S is empty. The pipe behind
    /dev/fd has or had its writer already, so that one is not waited for.
    """
    # Opened without blocking, because a plain open of a pipe that has no writer never returns.
    with open(path, "rb", buffering=0, opener=_open_at_once) as stream:
        start = _first_bytes(stream.fileno(), 0.0 if path.startswith(("/dev/", "/proc/")) else WRITER_WAIT_S)
        os.set_blocking(stream.fileno(), True)
        return read_bounded(stream, ref, start)


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _first_bytes(fd: int, wait_s: float) -> bytes:
    """The first bytes, or none: a writer is there and silent (wait on, blocking), or nobody came."""
    deadline = time.monotonic() + wait_s
    while True:
        try:
            data = os.read(fd, _CHUNK_BYTES)
        except BlockingIOError:
            return b""
        if data or time.monotonic() >= deadline:
            return data
        time.sleep(0.02)
