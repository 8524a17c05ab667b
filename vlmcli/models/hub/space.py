"""Room on the disk: asked for before the first byte comes; and what is said when there is none, or none to be had."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vlmcli.errors import OutputError

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


class DiskFull(OutputError):
    """The files have no room where they are to go."""

    kind = "disk_full"


def check_space(folder: Path, needed_bytes: int) -> None:
    """Raises DiskFull unless `needed_bytes` more fit where `folder` is, or will be."""
    free_bytes = free_at(folder)
    if free_bytes is not None and needed_bytes > free_bytes:
        raise DiskFull(
            f"{_size(needed_bytes)} more are needed in {folder}, and {_size(free_bytes)} are free there.", _ELSEWHERE
        )


def free_at(folder: Path) -> int | None:
    """Bytes that may be written at `folder` or, where it is not there yet, its nearest parent. None: nobody says."""
    for place in (folder, *folder.absolute().parents):
        try:
            return shutil.disk_usage(place).free
        except FileNotFoundError:
            continue
        except OSError:
            return None
    return None


@contextmanager
def disk_failures(folder: Path) -> Iterator[None]:
    """What the disk refuses as errors of ours. What is there stays there."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            free_bytes = free_at(folder)
            left = "" if free_bytes is None else f": {_size(free_bytes)} are free there"
            raise DiskFull(
                f"The disk is full at {folder}{left}.", f"{_ELSEWHERE}\nWhat has come stays; the next pull goes on."
            ) from error
        if error.errno == errno.EFBIG:
            raise OutputError(f"The disk at {folder} takes no file so large.", _ELSEWHERE) from error
        reason = error.strerror or str(error) or type(error).__name__
        raise OutputError(f"{folder} cannot be written: {reason}.", _ELSEWHERE) from error


_ELSEWHERE = "Another place: export HF_HOME=/a/folder/with/room"


def _size(size_bytes: int) -> str:
    """Decimal units, as the Hub shows them."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.1f} {unit}"
    return f"{size_bytes} bytes"
