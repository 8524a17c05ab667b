"""Where pictures come from. A new source is one file here and one line in `SOURCES`; the first that matches wins."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import replace

from vlmcli.core import ImageRef
from vlmcli.errors import UsageError
from vlmcli.images.sources import clipboard, data_uri, file, memory, remote, stdin, url
from vlmcli.images.sources.promise import FailedRef, PromisedRef
from vlmcli.images.sources.source import PictureLike, Source
from vlmcli.images.wishes import NONE, Wish, WishedRef, split_page, with_wish

__all__ = [
    "SOURCES",
    "PictureLike",
    "Source",
    "check_stdin",
    "lexists",
    "looks_like_picture",
    "read",
    "resolve",
    "resolve_all",
]

SOURCES: tuple[Source, ...] = (
    memory.SOURCE,
    stdin.SOURCE,
    url.SOURCE,
    data_uri.SOURCE,
    clipboard.SOURCE,
    remote.SOURCE,
    file.SOURCE,
)

_EXTENSION = re.compile(r"\.\w{1,5}$")


def resolve(argument: PictureLike, wish: Wish = NONE) -> ImageRef:
    """What was typed (or passed to the Python API) as a reference that `read` and `load` take.

    A name may end in a page (`scan.tif#page=3`), unless there is a file of that whole name. Looks at what can be known
    at once, without reading: raises PictureNotFound, PictureIsFolder, PictureUnreadable, NotAPicture (a device, a
    broken data: URI), and UsageError for an object that is no picture at all.
    """
    name, page = _split_page(argument)
    source = next((s for s in SOURCES if s.matches(name)), None)
    if source is None:
        raise UsageError(
            f"A picture is a path, its bytes or a PIL image, not a value of type {type(argument).__name__}.",
            "For an array: PIL.Image.fromarray(array)",
        )
    ref = source.resolve(name, wish)
    if page is None:
        return with_wish(ref, wish)
    return WishedRef(str(argument), ref.kind, ref.path, inner=ref, wish=replace(wish, frame=page))


def _split_page(argument: PictureLike) -> tuple[PictureLike, int | None]:
    if not isinstance(argument, str) or data_uri.SOURCE.matches(argument) or lexists(argument):
        return argument, None
    return split_page(argument)


def resolve_all(arguments: Iterable[PictureLike]) -> tuple[ImageRef, ...]:
    """Each argument resolved, in order. UsageError where there is none: a pattern that finds nothing asks nothing.

    UsageError, too, when standard input is named twice, as it can be read once.
    """
    refs = tuple(resolve(a) for a in arguments)
    if not refs:
        raise UsageError("There is no picture.", "Name one, or see what the pattern or list that names them finds.")
    check_stdin(refs)
    return refs


def check_stdin(refs: Iterable[ImageRef]) -> None:
    """UsageError when standard input is named twice."""
    if sum(ref.kind == "stdin" for ref in refs) > 1:
        raise UsageError(
            "Standard input (-) is named twice, and it can be read only once.",
            "Name one of the pictures as a file.",
        )


def read(ref: ImageRef) -> bytes:
    """The bytes of the picture: at most 1 GB, never empty. Raises the PictureErrors; nothing is decoded here."""
    if isinstance(ref, WishedRef):
        return read(ref.inner)
    if isinstance(ref, FailedRef):
        raise ref.error
    if isinstance(ref, PromisedRef):
        return ref.get()
    return next(s for s in SOURCES if s.kind == ref.kind).read(ref)


def looks_like_picture(argument: str) -> bool:
    """Whether `argument` among pictures and a question is meant as a picture, there or not.

    True for an existing path, `-`, a URL, `data:`, `clipboard:`, and for one word with an extension or a slash.
    """
    if any(s.matches(argument) for s in SOURCES if s is not file.SOURCE) or lexists(argument):
        return True
    name, page = split_page(argument)
    if not argument or any(c.isspace() for c in argument):
        return page is not None and lexists(name)
    return os.sep in name or "/" in name or _EXTENSION.search(name) is not None


def lexists(name: str) -> bool:
    """Whether there is a file or a link of that name; also for names that no file can have."""
    try:
        return os.path.lexists(name)
    except ValueError:
        return False
