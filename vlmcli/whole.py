"""Files that appear whole or not at all: written beside their place under another name, and moved there."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def replacing(target: Path, *, sync: bool = True, mode: int = 0o666) -> Iterator[BinaryIO]:
    """A file to write into, which takes `target`'s place, and its permissions, when the block ends well.

    `sync`: it is on the disk before it takes that place. `mode`: its permissions where there was no file, as far as
    the user's mask leaves them. Raises OSError; then `target` is as it was.
    """
    check_replaceable(target)
    temporary = target.with_name(f".vlm-{os.urandom(6).hex()}.tmp")
    try:
        with open(temporary, "xb", opener=lambda path, flags: os.open(path, flags, mode)) as file:
            yield file
            file.flush()
            if sync:
                os.fsync(file.fileno())
        with contextlib.suppress(OSError):
            os.chmod(temporary, target.stat().st_mode & 0o7777)
        os.replace(temporary, target)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def check_replaceable(target: Path) -> None:
    """Raises OSError for a device, a pipe or a socket: a file that took its place would be the end of it."""
    try:
        mode = target.stat().st_mode
    except OSError:
        return  # nothing is there, or what writes to it will say why it cannot
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise OSError(errno.EINVAL, "it is a device or a pipe, and no file", str(target))
