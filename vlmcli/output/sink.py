"""Where the answers go: stdout, a pipe or device, or a file that appears whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, TextIO

from vlmcli.output.closed import is_closed
from vlmcli.output.streams import fit, is_regular_file, is_unicode
from vlmcli.output.unwritable import cannot_write

_HINTS = {
    **dict.fromkeys((errno.ENOTDIR, errno.EACCES, errno.EROFS), "Choose another place with --output"),
    errno.ENOENT: "Make its folder first, or choose another place with --output",
    errno.EISDIR: "Name a file in it",
    errno.ENOSPC: "Make room, or choose another place with --output",
}


class Sink(Protocol):
    aside: bool
    """What is written is not seen on its way: a file. A spinner may stay on beside it."""
    streams: bool
    """Words may be written as they come; otherwise only whole results."""
    is_unicode: bool

    @property
    def is_empty(self) -> bool:
        """Nothing was written, or all of it taken back."""

    def write(self, text: str) -> None: ...

    def mark_whole(self) -> None:
        """What was written up to here is whole, and worth keeping whatever comes."""

    def rewind(self) -> None:
        """Take back what came after the last mark, where that is possible."""

    def commit(self) -> bool:
        """Keep what was written; False when there is no file to speak of."""

    def discard(self) -> None: ...


class StreamSink:
    """An open stream, flushed at each write. A reader that left is BrokenPipeError, all else OutputError."""

    streams = True

    def __init__(self, stream: TextIO, name: str, owned: bool = False) -> None:
        self.stream = stream
        self.aside = is_regular_file(stream)
        self.is_unicode = is_unicode(stream)
        self.is_empty = True
        self._name = name
        self._owned = owned

    def write(self, text: str) -> None:
        self.is_empty = self.is_empty and not text
        with _explained(self._name):
            self.stream.write(fit(self.stream, text))
            self.stream.flush()

    def mark_whole(self) -> None:
        pass

    def rewind(self) -> None:
        pass

    def commit(self) -> bool:
        self.discard()
        return False

    def discard(self) -> None:
        if self._owned:
            with contextlib.suppress(OSError):
                self.stream.close()


class FileSink:
    """A regular file: written beside its place under another name, moved there when it is whole.

    What cannot work (no such folder, no permission) is found when it is opened, before any model runs.
    """

    aside = True
    streams = False
    is_unicode = True

    def __init__(self, path: Path) -> None:
        self._name = str(path)
        self._target = Path(os.path.realpath(path))  # a symlink keeps pointing at what it points at
        self._whole = 0
        with _explained(self._name):
            self._mode = _mode_to_keep(self._target)
            self._temporary = self._target.parent / f".vlm-{os.urandom(6).hex()}.tmp"
            self._file = open(self._temporary, "xb", buffering=0)  # noqa: SIM115

    @property
    def is_empty(self) -> bool:
        return self._file.tell() == 0

    def write(self, text: str) -> None:
        left = memoryview(text.encode())
        with _explained(self._name):
            try:
                while left:
                    left = left[self._file.write(left) :]
            except OSError:  # the disk is full: what is whole stays, the rest goes
                self.rewind()
                raise

    def mark_whole(self) -> None:
        self._whole = self._file.tell()

    def rewind(self) -> None:
        self._file.seek(self._whole)
        self._file.truncate()

    def commit(self) -> bool:
        if not self._whole:
            self.discard()
            return False
        try:
            with _explained(self._name):
                os.fsync(self._file.fileno())
                self._file.close()
                if self._mode is not None:
                    os.chmod(self._temporary, self._mode)
                os.replace(self._temporary, self._target)
        except BaseException:
            self.discard()
            raise
        return True

    def discard(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._temporary.unlink(missing_ok=True)


def open_sink(path: str | Path | None, stdout: TextIO | None) -> Sink:
    """The place that `--output` names, proven to be writable. Raises OutputError."""
    if path is None or str(path) in ("-", "/dev/stdout"):
        if stdout is None or stdout.closed:
            raise is_closed("Name a file with --output FILE")
        return StreamSink(stdout, "standard output")
    with _explained(str(path)):
        if str(path).endswith((os.sep, "/")):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    path = Path(path)
    if is_direct(path):
        with _explained(str(path)):
            # Appending, so that `-o /dev/fd/3` never empties the file behind it.
            return StreamSink(open(path, "a", encoding="utf-8"), str(path), owned=True)
    return FileSink(path)


def is_direct(path: Path) -> bool:
    """A device, a FIFO or somebody's open descriptor: nothing that can be replaced by renaming."""
    if str(path).startswith(("/dev/", "/proc/")):
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _mode_to_keep(target: Path) -> int | None:
    """The permissions of the file that will be replaced, None where there is none. Raises OSError if it must not be."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        if target.is_symlink():
            raise
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return stat.S_IMODE(mode)


@contextlib.contextmanager
def _explained(name: str) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise cannot_write(name, error, _HINTS.get(error.errno or 0, "")) from error
