"""READ FIRST: from files of a repository to files on this disk, whole, checked, and where every other program looks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from vlmcli.models.hub.downloading import download
from vlmcli.models.hub.events import Begun, Progress, Pulled, PullEvent, Waiting
from vlmcli.models.hub.failures import offline
from vlmcli.models.hub.layout import is_offline
from vlmcli.models.hub.locking import AT_ONCE_S, Busy, locked
from vlmcli.models.hub.names import check_names
from vlmcli.models.hub.partial import size_of
from vlmcli.models.hub.placing import Place
from vlmcli.models.hub.space import check_space, disk_failures
from vlmcli.models.repository import RepoFile, Repository

_LOOK_EVERY_S = 0.5
"""How often a file is looked at that another process downloads."""


def pull(repository: Repository, files: Sequence[RepoFile]) -> Iterator[PullEvent]:
    """Has `files` of a repository in the cache of Hugging Face, saying what happens while it does.

    Each becomes visible when it is whole and its checksum is right. Stopped at any moment (the generator closed,
    Ctrl-C, kill -9), what has come stays and the next pull goes on there. The revision's name moves to this commit only
    with the last file, so a model that was here works until the new one does.

    Raises ModelError or OutputError (DiskFull among them).
    """
    wanted = tuple(files)
    check_names(repository, wanted)
    place = Place(repository)
    here = tuple(place.here_bytes(file) for file in wanted)
    with disk_failures(place.folder):
        is_all_here = all(place.is_visible(file) for file in wanted)
        if not is_all_here:
            _check_that_it_can_begin(place, wanted)
        yield Begun(wanted, here, place.snapshot)
        for number, file in enumerate(wanted, start=1):
            if not place.is_visible(file):
                yield from _pull(place, file)
            if number == len(wanted):
                _name(place, is_all_here)
            yield Pulled(file, place.path(file))


def _check_that_it_can_begin(place: Place, files: tuple[RepoFile, ...]) -> None:
    needed = {file.etag: file.size_bytes - place.here_bytes(file) for file in files}
    if is_offline() and not all(place.has_blob(file) or place.is_visible(file) for file in files):
        raise offline(place.repository.id)
    check_space(place.folder, sum(needed.values()))
    place.prepare()


def _pull(place: Place, file: RepoFile) -> Iterator[PullEvent]:
    with ExitStack() as stack:
        yield from _lock(place, file, stack)
        if place.is_visible(file):  # someone else brought it meanwhile
            return
        is_new = not place.has_blob(file)
        if is_new:
            yield from download(place.repository, file, place.partial(file))
            place.keep(file)
        place.show(file, is_new)


def _lock(place: Place, file: RepoFile, stack: ExitStack) -> Iterator[PullEvent]:
    """Until `stack` holds the lock. What the other process has of the file so far is our progress too."""
    patience_s, done_bytes = AT_ONCE_S, 0
    while True:
        try:
            stack.enter_context(locked(place.lock(file), patience_s))
            return
        except Busy:
            if patience_s == AT_ONCE_S:
                yield Waiting(file)
            patience_s = _LOOK_EVERY_S
        now_bytes = size_of(place.partial(file))
        if now_bytes > done_bytes:
            yield Progress(file, min(now_bytes, file.size_bytes))
            done_bytes = now_bytes


def _name(place: Place, is_all_here: bool) -> None:
    try:
        place.name()
    except OSError:
        if not is_all_here:  # in a cache that may only be read, what is there is good under its commit
            raise
