"""One file beside each picture with what was said of it: `cat.txt` for training sets, `cat.xmp` for photo programs.

    sidecars = Sidecars(SidecarSettings(".txt"))
    sidecars.claim("cat.jpg")           at planning, in order; raises SidecarRefused
    sidecars.keeps("cat.jpg")           it has one already: nothing to ask
    record = sidecars.settle(record)    when it is answered: written whole, or a failed record that says why not

An extension replaces the picture's own; with `+` before it (`+.txt`) it is put after it: `cat.jpg.txt`. Two pictures
that differ in nothing but their extension would share one sidecar: the first to claim it has it, the second is refused.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from vlmcli.core import Record
from vlmcli.errors import OutputError, UsageError
from vlmcli.output.sanitize import clean_text, show_name
from vlmcli.output.xmp import NotXmp, has_alt_text, says, with_alt_text
from vlmcli.whole import replacing

XMP = ".xmp"
_PICTURES = frozenset(".jpg .jpeg .png .gif .webp .tif .tiff .bmp .avif .heic .heif .jp2 .psd .ppm".split())
"""What a slip of the hand may name, and a picture must never be written over."""

_FATAL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
"""What the next picture would meet, too."""

_ELSEWHERE = "Choose another place: --sidecar-dir DIR"


class SidecarRefused(OutputError):
    """This picture gets no sidecar; the others do."""

    kind = "sidecar_refused"


@dataclass(frozen=True, slots=True)
class SidecarSettings:
    """What the file beside each picture is called, and what stands around its text."""

    extension: str = ".txt"
    """`.txt` replaces the picture's extension, `+.txt` follows it. `.xmp` is metadata, all else plain text."""
    prefix: str = ""
    """Stands before the text, as it is; `suffix` after it."""
    suffix: str = ""
    overwrite: bool = False
    """Replace the texts that are there already. The rest of an XMP file is kept in any case."""
    folder: Path | None = None
    """Where the sidecars go, in the same folders as the pictures have below `root`; None: beside the pictures."""
    root: Path | None = None
    """With `folder`: what the pictures lie in; None: the working folder."""


class Sidecars:
    def __init__(self, settings: SidecarSettings) -> None:
        """Raises UsageError for an extension that is none."""
        self._settings = settings
        self._extension, self._appended = _check_extension(settings.extension)
        self._encode = _xmp_bytes if self._extension.lower().endswith(XMP) else _text_bytes
        self.outdated = 0
        self._claims: dict[bytes, bytes] = {}
        self._questions: dict[bytes, bytes] = {}

    def path_of(self, name: str) -> Path:
        """Where the sidecar of this picture belongs. Raises SidecarRefused when it can have none."""
        if not os.path.isfile(name):
            raise SidecarRefused(
                f"{show_name(name)} is no picture in a file, so there is nothing that a sidecar could lie beside.",
                "Save it as a file first.",
            )
        folder = self._settings.folder
        sidecar = self.beside(Path(name) if folder is None else folder / self._below_root(name))
        if os.path.abspath(sidecar) == os.path.abspath(name):
            raise SidecarRefused(f"{show_name(name)} is not written over by its own sidecar.", "Choose an extension.")
        return sidecar

    def beside(self, picture: Path) -> Path:
        """What the sidecar of a picture is called that is here, or will be."""
        if self._appended:
            return picture.with_name(picture.name + self._extension)
        return picture.with_suffix(self._extension)

    def claim(self, name: str) -> Path:
        """Keep this picture's sidecar for it. Raises SidecarRefused when it is another's, or may not be written."""
        path = self.path_of(name)
        if self._claims.setdefault(_place(path), _digest(os.path.abspath(name))) != _digest(os.path.abspath(name)):
            raise SidecarRefused(
                f"{show_name(name)} would share its sidecar {show_name(path.name)} with another picture, "
                "which came before it.",
                f"Names of their own: --sidecar +{self._extension}",
            )
        if self._settings.folder is None and not os.access(path.parent, os.W_OK):
            raise SidecarRefused(f"{show_name(str(path))} may not be written: permission denied.", _ELSEWHERE)
        return path

    def keeps(self, name: str) -> bool:
        """Whether the picture has its text already and it is to stay. Raises SidecarRefused as `path_of` does."""
        return not self._settings.overwrite and self._has_text(self.path_of(name))

    def settle(self, record: Record, before: Record | None = None) -> Record:
        """Write what an answered record says, if it is whole and new. The record, failed when that is refused.

        `before`: what was said of the picture when it was another. Words that are those are replaced; others are
        somebody's own, stay, and are counted in `outdated`.
        Raises OutputError for what no other picture would get past either: a full disk, one that is read-only.
        """
        keeps = record.undecided and not self._settings.overwrite
        if record.error is not None or keeps or record.stop_reason == "interrupted":
            return record
        try:
            path = self.claim(record.name)
            self._check_question(path, record)
            if self._settings.overwrite or not self._has_text(path):
                self._write(path, None if record.undecided else self._words(record), self._settings.overwrite)
            elif before is not None:
                self._renew(path, self._words(before), self._words(record))
        except SidecarRefused as error:
            return replace(record, error=error)
        return record

    def _renew(self, path: Path, before: str, words: str) -> None:
        if self._says(path, before):
            self._write(path, words, overwrite=True)
        elif not self._says(path, words):
            self.outdated += 1

    def _says(self, path: Path, words: str) -> bool:
        try:
            data = path.read_bytes()
            return says(data, words) if self._encode is _xmp_bytes else data == _text_bytes(path, words, True)
        except (NotXmp, OSError) as error:
            raise _left_alone(path, error) from error

    def _check_question(self, path: Path, record: Record) -> None:
        question = _digest(record.question)
        if self._questions.setdefault(_place(path), question) != question:
            raise SidecarRefused(
                f"{show_name(path.name)} has the answer to another question about {show_name(record.name)} already.",
                "Ask one question at a time, each with an extension of its own.",
            )

    def _words(self, record: Record) -> str:
        return f"{self._settings.prefix}{clean_text(record.text).strip()}{self._settings.suffix}"

    def _has_text(self, path: Path) -> bool:
        """An XMP file that says other things of the picture still wants its text."""
        if self._encode is not _xmp_bytes or not path.exists():
            return os.path.lexists(path)
        try:
            return has_alt_text(path.read_bytes())
        except (NotXmp, OSError) as error:
            raise _left_alone(path, error) from error

    def _below_root(self, name: str) -> str:
        root = os.path.abspath(self._settings.root or os.curdir)
        path = os.path.abspath(name)
        relative = os.path.relpath(path, root) if os.path.splitdrive(path)[0] == os.path.splitdrive(root)[0] else ".."
        if relative.split(os.sep)[0] == os.pardir:
            raise SidecarRefused(
                f"{show_name(name)} does not lie in {show_name(root)}, whose folders --sidecar-dir repeats.",
                "Run it from a folder that all the pictures are in.",
            )
        return relative

    def _write(self, path: Path, words: str | None, overwrite: bool) -> None:
        """None: nothing is said of the picture any more, and what an earlier run said must not stay."""
        try:
            if words is None and self._encode is _text_bytes:
                path.unlink(missing_ok=True)
            if words is None and not path.exists():
                return
            if self._settings.folder is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            data = self._encode(path, words or "", overwrite)
            with replacing(Path(os.path.realpath(path)), sync=False) as file:  # what a link points at, not the link
                file.write(data)
        except NotXmp as error:
            raise _left_alone(path, error) from error
        except OSError as error:
            kind = OutputError if error.errno in _FATAL else SidecarRefused
            reason = (error.strerror or type(error).__name__).lower()
            raise kind(
                f"Cannot write {show_name(str(path))}: {reason}.", "Make room, or see who may write there."
            ) from error


Encode = Callable[[Path, str, bool], bytes]


def _left_alone(path: Path, error: Exception) -> SidecarRefused:
    why = getattr(error, "strerror", None) or str(error)
    return SidecarRefused(f"{show_name(str(path))} is left as it is: {why}.", "Move it away, and run the same again.")


def _text_bytes(path: Path, words: str, overwrite: bool) -> bytes:
    return f"{words}\n".encode()


def _xmp_bytes(path: Path, words: str, overwrite: bool) -> bytes:
    """The XMP file that is there with these words in it, or a new one. Raises NotXmp, and OSError."""
    return with_alt_text(path.read_bytes() if path.exists() else None, words, overwrite)


def _check_extension(extension: str) -> tuple[str, bool]:
    """(".txt", whether it follows the picture's own)."""
    appended = extension.startswith("+")
    bare = extension.removeprefix("+").removeprefix(".")
    if not bare or bare != show_name(bare).strip(" .") or set(bare) & set('/\\:*?"<>|\0'):
        raise UsageError(f"{show_name(extension) or 'Nothing'} is no extension for --sidecar.", "--sidecar .txt")
    if f".{bare.lower().rpartition('.')[2]}" in _PICTURES:
        raise UsageError(f"--sidecar {show_name(extension)} could write over pictures.", "--sidecar .txt")
    return f".{bare}", appended


def _place(path: Path) -> bytes:
    place = os.path.abspath(path)
    return _digest(place.casefold() if sys.platform in ("win32", "darwin") else place)  # a.txt is A.txt there


def _digest(words: str) -> bytes:
    """Of a hundred thousand names only this is kept."""
    return hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=12).digest()
