"""Files that only the user may read, and removing them without a word."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, cast


def create(path: Path) -> BinaryIO:
    """A new file to write, mode 0600 from the first moment on. Raises OSError, FileExistsError among them."""
    return cast(BinaryIO, open(path, "xb", opener=_private))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def name_beside(path: Path) -> Path:
    """A free name in the same folder, for what is renamed to `path` when it is whole."""
    return path.with_name(f".{os.urandom(8).hex()}")


def remove(path: str | Path) -> bool:
    """Whether it is gone by our hand."""
    try:
        os.unlink(path)
    except OSError:
        return False
    return True
