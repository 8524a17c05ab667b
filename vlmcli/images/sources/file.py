"""A picture in a file, or in a pipe that has a name."""

from __future__ import annotations

import errno
import os
import stat
from itertools import islice
from pathlib import Path

from vlmcli.core import ImageRef
from vlmcli.errors import NotAPicture, PictureError, PictureIsFolder, PictureNotFound, PictureUnreadable
from vlmcli.images.sources.reading import read_bounded, read_pipe
from vlmcli.images.sources.source import Source
from vlmcli.images.wishes import NONE, Wish
from vlmcli.images.words import called, printable, quoted

_NEIGHBOURS = 2000
"""File names of a folder that are looked at for a hint."""

_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EINVAL}


def _matches(argument: object) -> bool:
    return isinstance(argument, (str, os.PathLike))


def _resolve(argument: str | os.PathLike[str], wish: Wish = NONE) -> ImageRef:
    name = os.fsdecode(argument)
    if not name:
        raise PictureNotFound("The name of the picture is empty.", 'Is a variable unset? Check with: echo "$NAME"')
    ref = ImageRef(name, "file", Path(name))
    _file_type(ref)
    return ref


def _read(ref: ImageRef) -> bytes:
    try:
        if stat.S_ISFIFO(_file_type(ref)):
            return read_pipe(ref.name, ref)
        with open(ref.name, "rb") as file:
            return read_bounded(file, ref)
    except OSError as error:
        raise _explained(ref, error) from error


def _file_type(ref: ImageRef) -> int:
    """The `st_mode` of a regular file or a pipe. Raises for all else, without opening it."""
    try:
        mode = os.stat(ref.name).st_mode
    except (OSError, ValueError) as error:
        raise _explained(ref, error) from error
    if stat.S_ISDIR(mode):
        raise PictureIsFolder(
            f"{called(ref)} is a folder, not a picture.", f"Take the pictures in it: -r {quoted(ref.name)}", ref.name
        )
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
        # A device may never end (/dev/zero) or wait for a key (/dev/tty).
        what = "socket" if stat.S_ISSOCK(mode) else "device"
        raise NotAPicture(f"{called(ref)} is a {what}, not a picture.", "Name a file, or - for standard input.")
    return mode


def _explained(ref: ImageRef, error: OSError | ValueError) -> PictureError:
    """The system's error as ours. ValueError: a name with a NUL in it, or one that cannot be encoded."""
    if isinstance(error, OSError) and error.errno not in _GONE:
        if isinstance(error, PermissionError):
            return PictureUnreadable(
                f"{called(ref)} may not be read: permission denied.", f"See who may: ls -l {quoted(ref.name)}"
            )
        return PictureUnreadable(
            f"{called(ref)} cannot be read: {error.strerror or error}.", "Check the disk or the connection to it."
        )
    if isinstance(error, OSError) and os.path.islink(ref.name):
        target = printable(os.readlink(ref.name))
        return PictureNotFound(f"{called(ref)} is a link to {target}, which does not exist.")
    return PictureNotFound(f"There is no file {called(ref)}.", _nearby(ref.name))


def _nearby(name: str) -> str:
    """A hint: the file of the same folder that was probably meant, or the folder that is not there either."""
    folder, wanted = os.path.split(name)
    try:
        with os.scandir(folder or ".") as entries:
            names = [e.name for e in islice(entries, _NEIGHBOURS)]
    except (OSError, ValueError):
        return f"There is no folder {printable(folder)} either." if folder else ""
    import difflib  # only where something is missing already

    folded = {n.casefold(): n for n in names}
    close = difflib.get_close_matches(wanted.casefold()[:255], folded, n=1, cutoff=0.7)
    if close:
        return f"Did you mean {printable(os.path.join(folder, folded[close[0]]))}?"
    return f"See what is there: ls {quoted(folder or '.')}"


SOURCE = Source("file", _matches, _resolve, _read)
