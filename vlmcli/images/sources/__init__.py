"""Where pictures come from. A new source is one file here and one line in `SOURCES`; the first that matches wins."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from vlmcli.core import ImageRef
from vlmcli.errors import UsageError
from vlmcli.images.sources import file, memory, remote, stdin
from vlmcli.images.sources.source import PictureLike, Source

__all__ = ["SOURCES", "PictureLike", "Source", "looks_like_picture", "read", "resolve", "resolve_all"]

SOURCES: tuple[Source, ...] = (memory.SOURCE, stdin.SOURCE, remote.SOURCE, file.SOURCE)

_EXTENSION = re.compile(r"\.\w{1,5}$")


def resolve(argument: PictureLike) -> ImageRef:
    """What was typed (or passed to the Python API) as a reference that `read` and `load` take.

    Looks at what can be known at once, without reading: raises PictureNotFound, PictureIsFolder, PictureUnreadable,
    NotAPicture (a device), and UsageError for an object that is no picture at all.
    """
    for source in SOURCES:
        if source.matches(argument):
            return source.resolve(argument)
    raise UsageError(
        f"A picture is a path, its bytes or a PIL image, not a value of type {type(argument).__name__}.",
        "For an array: PIL.Image.fromarray(array)",
    )


def resolve_all(arguments: Iterable[PictureLike]) -> tuple[ImageRef, ...]:
    """Each argument resolved, in order. UsageError when standard input is named twice, as it can be read once."""
    refs = tuple(resolve(a) for a in arguments)
    if sum(ref.kind == "stdin" for ref in refs) > 1:
        raise UsageError(
            "Standard input (-) is named twice, and it can be read only once.",
            "Name one of the pictures as a file.",
        )
    return refs


def read(ref: ImageRef) -> bytes:
    """The bytes of the picture: at most 1 GB, never empty. Raises the PictureErrors; nothing is decoded here."""
    return next(s for s in SOURCES if s.kind == ref.kind).read(ref)


def looks_like_picture(argument: str) -> bool:
    """Whether `argument` among pictures and a question is meant as a picture, there or not.

    True for an existing path, `-`, a URL, `data:`, `clipboard:`, and for one word with an extension or a slash.
    """
    if stdin.SOURCE.matches(argument) or remote.SOURCE.matches(argument) or os.path.lexists(argument):
        return True
    if not argument or any(c.isspace() for c in argument):
        return False
    return os.sep in argument or "/" in argument or _EXTENSION.search(argument) is not None
