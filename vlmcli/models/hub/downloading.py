"""One file, from the Hub to a partial file that is whole and right.

Why there is a downloader here at all: huggingface_hub begins every download anew (its temporary file has a new name
each time and is removed when it fails), and over HTTP it compares the size alone. Models are gigabytes and connections
break, so here what has come stays, and its checksum is compared with the Hub's. For all else the library serves.

One connection, and not several: every server allows one, the bytes come in the order in which they are hashed, a file
that broke off is a whole beginning, and on a fast line one was not the limit (benchmarks/pull.py).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from vlmcli.errors import HubUnreachable, ModelDamaged
from vlmcli.models.hub.checksum import Checksum
from vlmcli.models.hub.connection import endpoint
from vlmcli.models.hub.events import Checking, Progress, PullEvent, Retrying
from vlmcli.models.hub.partial import Partial
from vlmcli.models.hub.patience import Patience
from vlmcli.models.hub.receiving import Broken, receive
from vlmcli.models.repository import RepoFile, Repository

_EVENT_EVERY_S = 0.2


def download(repository: Repository, file: RepoFile, path: Path) -> Iterator[PullEvent]:
    """Fills the partial file at `path` from where it ends, through all that can be waited out, and checks it.

    Stopped at any moment, whatever the way, it leaves a beginning to go on from. Raises ModelError, or OSError of the
    disk; a file that is whole and wrong is removed.
    """
    checksum, patience = Checksum(file), Patience()
    with Partial(path, file.size_bytes) as partial:
        yield from _read_again(file, partial, checksum)
        while partial.size_bytes < file.size_bytes:
            try:
                yield from _go_on(repository, file, partial, checksum, patience)
            except Broken as broken:
                wait_s = patience.next_wait_s(broken.asked_s)
                if wait_s is None:
                    raise _given_up(repository, file, broken, partial.size_bytes) from broken
                yield Retrying(file, broken.reason, wait_s)
                time.sleep(wait_s)
        if checksum.is_right():
            partial.settle()
            return
    path.unlink(missing_ok=True)
    raise ModelDamaged(
        f"{file.path} of {repository.id} came with wrong bytes: its checksum is not the Hub's.",
        "It was removed. Pull it again: it starts from the beginning.",
    )


def _read_again(file: RepoFile, partial: Partial, checksum: Checksum) -> Iterator[PullEvent]:
    """What came earlier goes through the checksum too."""
    ticks, done_bytes = _Ticks(), 0
    for block in partial.blocks():
        checksum.update(block)
        done_bytes += len(block)
        if ticks.is_due() or done_bytes == partial.size_bytes:
            yield Checking(file, done_bytes)


def _go_on(
    repository: Repository, file: RepoFile, partial: Partial, checksum: Checksum, patience: Patience
) -> Iterator[PullEvent]:
    """One attempt. Raises Broken."""
    ticks = _Ticks()
    for chunk in receive(repository, file, partial.size_bytes):
        partial.add(chunk)
        checksum.update(chunk)
        patience.restore()
        if ticks.is_due() or partial.size_bytes == file.size_bytes:
            yield Progress(file, partial.size_bytes)


def _given_up(repository: Repository, file: RepoFile, broken: Broken, done_bytes: int) -> HubUnreachable:
    asked = f" and asks to wait {broken.asked_s:.0f} seconds" if broken.asked_s else ""
    return HubUnreachable(
        f"{file.path} of {repository.id} does not come any further: {broken.reason}{asked}.",
        f"Pull it again later: the {done_bytes:,} bytes that are here stay.\n"
        f"The Hub is asked at {endpoint()}; another address: export HF_ENDPOINT=https://HOST",
    )


class _Ticks:
    """Says when it is time for the next event."""

    def __init__(self) -> None:
        self._next = 0.0

    def is_due(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + _EVENT_EVERY_S
        return True
