"""From arguments to names: folders and the patterns that no shell has expanded. Nothing is opened but folders."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from vlmcli.core import ImageRef
from vlmcli.errors import PictureError, PictureNotFound, PictureUnreadable
from vlmcli.images.names import is_hidden, is_picture_name, natural
from vlmcli.images.remote_folders import is_remote_folder, match_remote, walk_remote
from vlmcli.images.sources import lexists, stdin, url
from vlmcli.images.sources.promise import FailedRef
from vlmcli.images.sources.remote import is_remote
from vlmcli.images.words import printable, quoted

_ANY_DEPTH = re.compile(r"(?:^|(?<=/))\*\*(?:/+|$)")

Expanded = str | FailedRef
"""A name, or what was found wrong with one."""


class Named(NamedTuple):
    """A name, and what it is called within the folder or list that it came from: there patterns and shards hold."""

    name: Expanded
    relative: str
    is_found: bool = False
    """In a folder or by a pattern; else it was named itself."""


Takes = Callable[[str], bool]


def expand_named(
    arguments: Iterable[str], recursive: bool, takes: Takes = is_picture_name, folders: bool = False
) -> Iterator[Named]:
    """Each argument as the names it stands for: the pictures of a folder (`recursive`), of a pattern, or itself.

    `takes`: what of a folder is a picture, by its name. `folders`: one stands for its own pictures without `recursive`,
    too. Each with its path relative to the folder that was named; without one that is the name itself.
    """
    for argument in arguments:
        if (recursive or folders) and os.path.isdir(argument):
            found = walk(argument, takes, below=recursive)
            found = _or_failure(argument, found, f"There are no pictures in {printable(argument)}.")
            yield from (Named(name, _below(argument, name), True) for name in found)
        elif is_remote(argument):
            yield from _expand_remote(argument, recursive, folders)
        elif is_pattern(argument):
            found = _matching(argument, recursive, takes)
            found = _or_failure(argument, found, f"No file matches {printable(argument)}.")
            yield from (Named(name, _called(name), True) for name in found)
        else:
            yield Named(argument, argument)


def _expand_remote(url: str, recursive: bool, folders: bool) -> Iterator[Named]:
    """The same of a URL, each name with its path within the folder, as shards are to agree wherever it lies."""
    found: Iterator[tuple[Expanded, str]] = iter(())
    if is_pattern(url):
        found, sentence = ((name, _called(name)) for name in match_remote(url)), "Nothing matches"
    else:
        try:
            is_folder = _may_be_folder(url, recursive, folders) and is_remote_folder(url)
        except PictureError as error:
            yield Named(url if is_picture_name(url.partition("::")[0]) else FailedRef(url, "memory", error=error), url)
            return
        if not is_folder:
            yield Named(url, url)
            return
        found, sentence = walk_remote(url, below=recursive), "There are no pictures in"
    empty = True
    for name, relative in found:
        empty = False
        yield Named(name, relative, True)
    if empty:
        none = PictureNotFound(f"{sentence} {printable(url)}.", "Check the address.")
        yield Named(FailedRef(url, "memory", error=none), url)


def _may_be_folder(name: str, recursive: bool, folders: bool) -> bool:
    """Whether to look. In a store that is a request, and what is named like a picture is spared it."""
    return recursive or (folders and not (is_remote(name) and is_picture_name(name.partition("::")[0])))


def is_folder_name(argument: str) -> bool:
    """Whether there is a folder of that name, here or in a store; one that does not tell has none."""
    if not is_remote(argument):
        return os.path.isdir(argument)
    try:
        return is_remote_folder(argument)
    except PictureError:
        return False


def expand_list(
    names: Iterable[str], recursive: bool, takes: Takes = is_picture_name, folders: bool = False
) -> Iterator[Named]:
    """As `expand_named`, of a list's names, which are exact: an asterisk in one is an asterisk."""
    for name in names:
        if _may_be_folder(name, recursive, folders) and is_folder_name(name):
            yield from expand_named([name], recursive, takes, folders)
        else:
            yield Named(name, name)


def _called(name: Expanded) -> str:
    return name if isinstance(name, str) else name.name


def _below(folder: str, name: Expanded) -> str:
    return _called(name)[len(folder) :].lstrip("/" + os.sep)


def walk(folder: str, takes: Takes = is_picture_name, below: bool = True) -> Iterator[Expanded]:
    """The files in `folder`, and those `below`, that are named like pictures, in natural order, hidden ones left out.

    A folder that is reached a second time, through a link, is passed over: a loop of links ends there.
    """
    for each in islice(folders_below(folder, takes), None if below else 1):
        if isinstance(each, FailedRef):
            yield each
        else:
            yield from (os.path.join(each.path, name) for name in each.files)


class Folder(NamedTuple):
    """What is in a folder and not hidden, in natural order; a link is what it leads to."""

    path: str
    folders: list[str]
    files: list[str]


def folders_below(folder: str, takes: Callable[[str], bool] = lambda name: True) -> Iterator[Folder | FailedRef]:
    """`folder` and all below it, each once, parents first, with the files that `takes` by their names.

    One that may not be read comes as a failure. A folder at a time is in memory.
    """
    waiting, seen = [folder], set[tuple[int, int]]()
    while waiting:
        at = waiting.pop()
        try:
            status = os.stat(at)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            listed = _list(at, takes)
        except OSError as error:
            yield FailedRef(at, "file", Path(at), error=_unreadable(at, error))
            continue
        yield listed
        waiting += [os.path.join(at, name) for name in reversed(listed.folders)]


def _list(folder: str, takes: Callable[[str], bool]) -> Folder:
    listed = Folder(folder, [], [])
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_hidden(entry.name):
                continue
            if entry.is_dir():
                listed.folders.append(entry.name)
            elif takes(entry.name):
                listed.files.append(entry.name)
    listed.folders.sort(key=natural)
    listed.files.sort(key=natural)
    return listed


def _unreadable(folder: str, error: OSError) -> PictureError:
    said = "permission denied" if isinstance(error, PermissionError) else error.strerror or str(error)
    return PictureUnreadable(f"The folder {printable(folder)} cannot be read: {said}.", f"ls -ld {quoted(folder)}")


def is_pattern(argument: str) -> bool:
    """Whether to look for matches: not for a file whose name has brackets in it, and not for a URL."""
    if not glob.has_magic(argument) or lexists(argument) or "\0" in argument:
        return False
    return not (stdin.SOURCE.matches(argument) or url.SOURCE.matches(argument) or argument[:5].lower() == "data:")


def _matching(pattern: str, recursive: bool, takes: Takes) -> Iterator[Expanded]:
    """What the pattern matches; folders are walked with `recursive`, else left out.

    A last part of nothing but asterisks takes what is named like a picture, any other what it says.
    """
    if os.sep == "\\":
        pattern = pattern.replace(os.sep, "/")
    everything = not pattern.rpartition("/")[2].strip("*")
    for name in _once(_glob(pattern), may_repeat=len(_ANY_DEPTH.findall(pattern)) > 1):
        if os.path.isdir(name):
            if recursive and not _ANY_DEPTH.search(pattern):
                yield from walk(name, takes)
        elif takes(name) or not everything:
            yield name


def _once(names: Iterator[str], may_repeat: bool) -> Iterator[str]:
    """Each name once. Only two `**` in a pattern can find a file by two ways: what was found is not kept for one."""
    return iter(dict.fromkeys(names)) if may_repeat else names


def _glob(pattern: str) -> Iterator[str]:
    """Like `glob.iglob`, in natural order, and with a `**` that survives loops of links. A folder at a time."""
    start, *rest = _ANY_DEPTH.split(pattern, maxsplit=1)
    if not rest:
        yield from sorted(glob.glob(pattern), key=natural)
        return
    tops = sorted(glob.glob(start), key=natural) if glob.has_magic(start) else [start]
    below = (each.path for top in tops for each in folders_below(top or os.curdir) if isinstance(each, Folder))
    for path in below:
        for name in _glob(os.path.join(glob.escape(path), rest[0] or "*")):
            yield name if start else name.removeprefix(os.path.join(os.curdir, ""))


def _or_failure(argument: str, found: Iterator[Expanded], sentence: str) -> Iterator[Expanded]:
    empty = True
    for each in found:
        empty = False
        yield each
    if empty:
        where = argument if os.path.isdir(argument) else os.path.dirname(argument) or "."
        error = PictureNotFound(sentence, f"See what is there: ls {quoted(where)}")
        yield FailedRef(argument, "file", Path(argument), error=error)


def failed(name: str, error: PictureError) -> ImageRef:
    """A reference that fails with `error` when it is its turn."""
    return FailedRef(name, "file", Path(name), error=error)
