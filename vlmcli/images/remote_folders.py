"""Folders and patterns in stores that have a URL, as those on disk are walked: same order, same names left out."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from vlmcli.errors import PictureError
from vlmcli.images.names import is_hidden, is_picture_name, natural
from vlmcli.images.sources import stores
from vlmcli.images.sources.promise import FailedRef


def is_remote_folder(url: str) -> bool:
    """Asks the store. Raises PictureErrors where it does not tell."""
    return stores.facts_of(url).is_folder


def walk_remote(folder: str, below: bool = True) -> Iterator[tuple[str | FailedRef, str]]:
    """URLs of the pictures in `folder`, and those `below`, each with its path within; a folder at a time is in memory.

    One that cannot be listed comes as a failure.
    """
    top, separator, outer = folder.partition("::")
    top = top if top.endswith("/") else f"{top}/"
    waiting = [""]
    while waiting:
        at = waiting.pop()
        url = f"{top}{at}{separator}{outer}"
        try:
            listed = stores.list_folder(url)
        except PictureError as error:
            yield FailedRef(url, "memory", error=error), at
            continue
        names = {posixpath.basename(each.path.rstrip("/")): each.is_folder for each in listed}
        seen = sorted((name for name in names if name and not is_hidden(name)), key=natural)
        for name in seen:
            if not names[name] and is_picture_name(name):
                yield f"{top}{at}{name}{separator}{outer}", f"{at}{name}"
        if below:
            waiting += [f"{at}{name}/" for name in reversed(seen) if names[name]]


def match_remote(pattern: str) -> Iterator[str | FailedRef]:
    """URLs that match, in natural order; of a last part of nothing but asterisks, what is named like a picture."""
    last = pattern.partition("::")[0].rpartition("/")[2]
    try:
        found = sorted(stores.matching(pattern), key=natural)
    except PictureError as error:
        yield FailedRef(pattern, "memory", error=error)
        return
    everything = not last.strip("*")
    for url in found:
        name = posixpath.basename(url.partition("::")[0])
        if (is_picture_name(name) or not everything) and (last.startswith(".") or not is_hidden(name)):
            yield url
