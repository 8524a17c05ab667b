"""How a picture's file is known again: by its size and time, and by its bytes where these do not tell."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import NamedTuple

from vlmcli.core import ImageRef
from vlmcli.images.sources.remote import find_facts

_CHUNK_BYTES = 1 << 20


class Stamp(NamedTuple):
    """Of a regular file. All else (a web page, a pipe, a file that is gone) has None and its bytes' digest, if any.

    `tag`: what a store of files calls these bytes (an ETag, …), where it does.
    """

    size_bytes: int | None = None
    mtime_ns: int | None = None
    sha256: str = ""
    tag: str = ""

    def same_file_as(self, other: Stamp) -> bool:
        return self._replace(sha256="") == other._replace(sha256="")


def stamp_of(ref: ImageRef) -> Stamp:
    """Size and time of the file that is there now."""
    if facts := find_facts(ref):
        return Stamp(facts.size_bytes, facts.mtime_ns, tag=facts.tag)
    if ref.kind != "file" or ref.path is None:
        return Stamp()
    try:
        status = os.stat(ref.path)
    except (OSError, ValueError):
        return Stamp()
    return Stamp(status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else Stamp()


def digest_of_file(path: os.PathLike[str] | str) -> str:
    """SHA-256 (hex) of the bytes; empty where they cannot be read."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    except OSError:
        return ""
    return digest.hexdigest()


class Twins:
    """Finds identical pictures. Bytes are read only of files of which another has the same size."""

    def __init__(self) -> None:
        self._only: dict[int, tuple[str, str]] = {}  # size -> the one of that size: name and digest
        self._known: dict[str, str] = {}  # digest -> name

    def find(self, name: str, stamp: Stamp) -> tuple[str | None, Stamp]:
        """The name of an earlier picture of the same bytes, and the stamp with what was learned."""
        if not stamp.size_bytes:
            return None, stamp
        only = self._only.setdefault(stamp.size_bytes, (name, stamp.sha256))
        if only[0] == name:
            return None, stamp
        if only[1] != "":
            self._known.setdefault(only[1], only[0])
        elif digest := digest_of_file(only[0]):
            self._only[stamp.size_bytes] = (only[0], digest)
            self._known.setdefault(digest, only[0])
        stamp = stamp if stamp.sha256 else stamp._replace(sha256=digest_of_file(name))
        twin = self._known.setdefault(stamp.sha256, name) if stamp.sha256 else name
        return (twin if twin != name else None), stamp
