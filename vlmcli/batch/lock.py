"""One process to an output: a lock of the operating system, which a crash releases.

The lock is a small file beside the output with the number of the process in it, removed at the end. A file left behind
by a crash is no lock: only an open one is.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from vlmcli.errors import OutputError
from vlmcli.output import show_name
from vlmcli.output.unwritable import cannot_write

_REFUSED = (BlockingIOError, PermissionError)
_LOCKED_BYTE = 1 << 20
"""Where Windows locks: not what is to be read, the number of the process."""


@contextlib.contextmanager
def locked(output: Path, path: Path) -> Iterator[None]:
    """Hold the lock of `output`, the file `path`. Raises OutputError when another process has it."""
    fd = _take(output, path)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # while it is held: nobody else can have opened and locked it by now
            path.unlink()
        os.close(fd)
        if os.name == "nt":  # where an open file cannot be removed
            with contextlib.suppress(OSError):
                path.unlink()


def _take(output: Path, path: Path) -> int:
    while True:
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
        except OSError as error:
            raise cannot_write(output, error, "Choose another place with --output") from error
        try:
            _lock(fd)
        except _REFUSED as error:
            holder = os.read(fd, 20).decode("ascii", "replace").strip()
            os.close(fd)
            raise OutputError(
                f"Another vlm{f' (process {holder})' if holder else ''} is writing {show_name(str(output))}.",
                "Wait for it, or name another file with --output",
            ) from error
        except OSError:
            pass  # a file system without locks: better to work without than not at all
        if _is_there(fd, path):
            with contextlib.suppress(OSError):  # a full disk: the lock holds without a number in it, too
                os.truncate(fd, 0)
                os.write(fd, f"{os.getpid()}\n".encode())
            return fd
        os.close(fd)  # its owner removed it between our two steps


def _is_there(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _lock(fd: int) -> None:
        os.lseek(fd, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(fd, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
