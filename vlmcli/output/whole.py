"""Files that appear whole or not at all: written beside their place under another name, and moved there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from vlmcli.errors import OutputError, UsageError
from vlmcli.output.sanitize import show_name


@contextlib.contextmanager
def replacing(target: Path, sync: bool = True) -> Iterator[BinaryIO]:
    """A file to write into, which takes `target`'s place, and its permissions, when the block ends well.

    `sync`: it is on the disk before it takes that place. Raises OSError; then `target` is as it was.
    """
    temporary = target.with_name(f".vlm-{os.urandom(6).hex()}.tmp")
    try:
        with open(temporary, "xb") as file:
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


def write_whole(target: Path, data: bytes) -> None:
    """These bytes in that file, or all as it was and OutputError. A link keeps pointing at what it points at."""
    try:
        with replacing(Path(os.path.realpath(target))) as file:
            file.write(data)
    except OSError as error:
        raise cannot_write(target, error, "Name another file, in a folder that is there.") from None


def check_drawing(path: str | Path, pictures: Iterable[Path | None]) -> None:
    """Raises UsageError for the name of a drawing that is no PNG file's, or that of one of `pictures`."""
    if Path(path).suffix.lower() != ".png":
        raise UsageError(f"{show_name(str(path))} will be a PNG file.", f"Name it so: {Path(path).stem}.png")
    if any(picture is not None and _is_same(Path(path), picture) for picture in pictures):
        raise UsageError(f"{show_name(str(path))} is the picture itself.", "Name another file")


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def cannot_write(path: str | Path, error: OSError, hint: str) -> OutputError:
    """The sentence for it: `Cannot write out.csv: no space left on device.`"""
    reason = (error.strerror or type(error).__name__).lower()
    place = path if path == "standard output" else show_name(str(path))
    return OutputError(f"Cannot write {'to ' if path == 'standard output' else ''}{place}: {reason}.", hint)
