"""What is left to do: each picture and question against the ledger, one after the other, as they are found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vlmcli.batch.ledger import Entry, Key, Ledger
from vlmcli.batch.stamps import Stamp, Twins, digest_of_file, stamp_of
from vlmcli.core import ImageRef
from vlmcli.errors import PictureError
from vlmcli.images.sources import lexists
from vlmcli.images.sources.promise import FailedRef
from vlmcli.images.wishes import WishedRef, split_page


@dataclass(frozen=True, slots=True)
class Wanted:
    """One record to be: a picture, and the number of a question about it."""

    ref: ImageRef
    question: int = 0
    content: bytes | None = None
    """Its bytes, where they can be had only once and not by the engine's process."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """A folder or a pattern that gave no pictures: to be said and counted, but no record of a picture."""

    error: PictureError


@dataclass(frozen=True, slots=True)
class Todo:
    """To be answered, or, with a `twin`, to be copied from the record of an identical picture."""

    wanted: Wanted
    key: Key
    stamp: Stamp
    twin: Key | None = None

    @property
    def name(self) -> str:
        return self.wanted.ref.name


Verdict = Todo | Literal["done", "failed", "repeated"]


class Planner:
    """Decides what is done by name, size and time, else by the bytes. `order` remembers who came when."""

    def __init__(self, ledger: Ledger, questions: tuple[str, ...], retry_failed: bool) -> None:
        self._ledger, self._questions, self._retry_failed = ledger, questions, retry_failed
        self._twins = Twins()
        self._order: dict[Key, int] = {}
        self._pages: dict[Key, list[Key]] | None = None

    def key_of(self, wanted: Wanted) -> Key:
        return wanted.ref.name, self._questions[wanted.question]

    def judge(self, wanted: Wanted) -> Verdict:
        """`done` and `failed` were so before; `repeated`: the same name came already."""
        ref = wanted.ref
        key = self.key_of(wanted)
        if key in self._order:
            return "repeated"
        self._order[key] = len(self._order)
        self._supersede(wanted, key)
        stamp = _stamp_of(wanted)
        entry = self._ledger.entries.get(key)
        if entry:
            stamp, same = _compared(wanted, stamp, entry)
            if isinstance(ref, FailedRef) and ref.path is not None and not entry.failed:
                return "done"  # an answer outlives its picture: a disk that is not there today took nothing back
            if same and not (entry.failed and self._retry_failed):
                self._twin_of(ref, stamp)  # a copy of it may come
                return "failed" if entry.failed else "done"
        twin, stamp = self._twin_of(ref, stamp)
        return Todo(wanted, key, stamp, (twin, key[1]) if twin else None)

    def place(self, key: Key) -> int:
        """Where a record belongs: in the order of the plan; behind it what is of other pictures."""
        return self._order.get(key, len(self._order))

    def in_order(self) -> list[Key]:
        """Those of the plan that have a record now."""
        return [key for key in self._order if key in self._ledger.entries]

    def _supersede(self, wanted: Wanted, key: Key) -> None:
        """A document has records of its pages, or one as a whole. Forget those of the other kind that are of a file
        which has changed since, and the failure of a whole that has pages now."""
        ref = wanted.ref
        if ref.kind != "file" or isinstance(ref, FailedRef) or wanted.content is not None:
            return
        document = ref.inner.name if isinstance(ref, WishedRef) else ref.name
        is_page = document != ref.name
        others = [(document, key[1])] if is_page else self._pages_of(key)
        for other in others:
            entry = self._ledger.entries.get(other)
            if entry is None or other in self._order:
                continue
            if (is_page and entry.failed) or not _compared(wanted, stamp_of(ref), entry)[1]:
                del self._ledger.entries[other]

    def _pages_of(self, key: Key) -> list[Key]:
        """The pages of this document that had a record when the job began."""
        if self._pages is None:
            self._pages = {}
            for name, question in self._ledger.entries:
                document, page = split_page(name)
                if page is not None and not lexists(name):
                    self._pages.setdefault((document, question), []).append((name, question))
        return self._pages.get(key, [])

    def _twin_of(self, ref: ImageRef, stamp: Stamp) -> tuple[str | None, Stamp]:
        if ref.kind != "file" or ref.name != str(ref.path) or isinstance(ref, FailedRef):
            return None, stamp  # of a page of a file (`scan.tif#page=3`) the file's bytes do not tell
        return self._twins.find(ref.name, stamp)


def _stamp_of(wanted: Wanted) -> Stamp:
    if wanted.content is None:
        return stamp_of(wanted.ref)
    import hashlib

    return Stamp(sha256=hashlib.sha256(wanted.content).hexdigest())


def _compared(wanted: Wanted, stamp: Stamp, entry: Entry) -> tuple[Stamp, bool]:
    """The stamp, with the digest where that had to be taken, and whether the picture is what it was."""
    then, path = entry.stamp, wanted.ref.path
    if wanted.content is not None:
        return stamp, stamp.sha256 == then.sha256
    if isinstance(wanted.ref, FailedRef) and path is None:
        return stamp, False  # no bytes on standard input: those of another day were another picture's
    if stamp == Stamp() and path is None:
        return then, True  # a web page, or a store that does not tell today: what it gave once is kept
    if stamp.same_file_as(then):
        return stamp._replace(sha256=then.sha256), True
    if stamp.size_bytes is None or stamp.size_bytes != then.size_bytes or not then.sha256 or path is None:
        return stamp, False
    stamp = stamp._replace(sha256=digest_of_file(path))
    return stamp, stamp.sha256 == then.sha256
