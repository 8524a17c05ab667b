"""The ordinary pipeline, fed with messages and heard by messages: in the engine's process, or in a cluster's worker."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

from vlmcli.batch.messages import Ask, Begun, Done, Loading, NoMore, Opened, Pause, Start
from vlmcli.core import ImageRef, JobDone, JobEvent, JobNote, JobStage
from vlmcli.errors import EngineError, PictureError, VlmError
from vlmcli.images import read, resolve
from vlmcli.images.expanding import failed
from vlmcli.images.sources.promise import PromisedRef
from vlmcli.images.wishes import WishedRef
from vlmcli.pipeline import Job


class Serving:
    """`tell` is given each message for the job. Who feeds does so from another thread, with `take`.

    `waits`: with nothing to do, answers wait with it until the job says Pause; else they go on meanwhile.
    """

    def __init__(self, start: Start, tell: Callable[[Any], None], waits: bool = True) -> None:
        self._start, self._tell_job, self._waits = start, tell, waits
        self._asks: SimpleQueue[Ask | Pause | NoMore] = SimpleQueue()
        self._begun: list[int] = []  # numbers of what was asked in this round, by the pipeline's
        self._over = False
        self._digests: dict[int, str] = {}

    def take(self, message: Ask | Pause | NoMore) -> None:
        while isinstance(message, NoMore) and message.at_once:
            try:
                self._asks.get_nowait()
            except Empty:
                break
        self._asks.put(message)

    def serve(self, opened: Callable[[Opened], None] = lambda vlm: None) -> None:
        """Until NoMore. `opened` is told of the model before the first question; it may refuse it by raising."""
        vlm = self._start.open()
        opened(vlm)
        while not self._over:
            self._begun.clear()
            for event in vlm.run(self._round(vlm.job), many=True):
                self._tell(event)
        vlm.close()

    def _tell(self, event: JobEvent) -> None:
        if isinstance(event, JobStage) and event.job is None:
            self._tell_job(Loading(event.name))
        elif isinstance(event, JobNote):
            self._tell_job(Loading(note=event.text))
        elif isinstance(event, JobDone):
            number = self._begun[event.job]
            self._tell_job(Done(number, event.record, self._digests.pop(number, "")))

    def _round(self, job: Any) -> Iterator[Job | None]:
        """For the pipeline, which takes the next one when there is room for it.

        While this waits no answers are handed out: so a round ends when the job has nothing to ask for a while.
        """
        while True:
            try:
                ask = self._asks.get(block=self._waits)
            except Empty:
                yield None
                continue
            if not isinstance(ask, Ask):
                self._over = isinstance(ask, NoMore)
                return
            self._begun.append(ask.number)
            self._tell_job(Begun(ask.number))
            yield job(self._start.task, (self._ref(ask),), self._start.options[ask.options])

    def _ref(self, ask: Ask) -> ImageRef:
        """The picture's reference, which tells the digest of its bytes when they are read."""
        if ask.content is not None:
            get = partial(self._noted, ask.number, lambda: ask.content or b"")
            return PromisedRef(ask.name, "stdin", get=get)
        try:
            ref = resolve(ask.name, self._start.wish)
        except PictureError as error:
            return failed(ask.name, error)
        inner = ref.inner if isinstance(ref, WishedRef) else ref
        get = partial(self._noted, ask.number, partial(read, inner))
        promised = PromisedRef(inner.name, inner.kind, inner.path, get=get)
        if isinstance(ref, WishedRef):
            return WishedRef(ref.name, ref.kind, ref.path, inner=promised, wish=ref.wish)
        return promised

    def _noted(self, number: int, get: Any) -> bytes:
        data: bytes = get()
        self._digests[number] = hashlib.sha256(data).hexdigest()
        return data


def as_ours(error: Exception) -> VlmError:
    """What ends all work, in a sentence."""
    if isinstance(error, VlmError):
        return error
    return EngineError(f"The engine failed: {type(error).__name__}: {error}.")
