"""The engine's process: the ordinary pipeline, fed and heard over pipes. What kills it does not kill the job.

It is started by `process.py`. Its stdin and stdout are the pipes, and nothing else may use them; Ctrl-C is not for it,
but for the job, which says when to stop; and it ends at once when the job is gone.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, BinaryIO

from vlmcli.batch.messages import Ask, Begun, Done, GaveUp, Loading, NoMore, Pause, Start, receive, send
from vlmcli.core import ImageRef, JobDone, JobEvent, JobNote, JobStage
from vlmcli.errors import EngineError, PictureError, VlmError
from vlmcli.images import read, resolve
from vlmcli.images.expanding import failed
from vlmcli.images.sources.promise import PromisedRef
from vlmcli.images.wishes import WishedRef
from vlmcli.pipeline import Job


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    inbox, outbox = _take_pipes()
    start = receive(inbox)
    if start is None:
        return
    try:
        _Child(start, inbox, outbox).serve()
    except (BrokenPipeError, KeyboardInterrupt):
        pass
    except Exception as error:
        known = isinstance(error, VlmError)
        send(outbox, GaveUp(error if known else EngineError(f"The engine failed: {type(error).__name__}: {error}.")))
    outbox.close()
    os._exit(0)  # a thread may still wait for the job's next word


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The two pipes for ourselves: what a library prints, or reads, does not come between messages."""
    inbox, outbox = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return inbox, outbox


class _Child:
    def __init__(self, start: Start, inbox: BinaryIO, outbox: BinaryIO) -> None:
        self._start, self._inbox, self._outbox = start, inbox, outbox
        self._asks: SimpleQueue[Ask | Pause | NoMore] = SimpleQueue()
        self._begun: list[Ask] = []  # of this round, by the pipeline's numbers
        self._over = False
        self._digests: dict[int, str] = {}
        threading.Thread(target=self._listen, name="inbox", daemon=True).start()

    def serve(self) -> None:
        vlm = self._start.open()
        while not self._over:
            self._begun.clear()
            for event in vlm.run(self._round(vlm.job), many=True):
                self._tell(event)
        vlm.close()

    def _tell(self, event: JobEvent) -> None:
        if isinstance(event, JobStage) and event.job is None:
            send(self._outbox, Loading(event.name))
        elif isinstance(event, JobNote):
            send(self._outbox, Loading(note=event.text))
        elif isinstance(event, JobDone):
            number = self._begun[event.job].number
            send(self._outbox, Done(number, event.record, self._digests.pop(number, "")))

    def _listen(self) -> None:
        """The inbox's thread: hears what comes, and above all that nothing comes any more."""
        while True:
            message = receive(self._inbox)
            if message is None:
                os._exit(1)
            while isinstance(message, NoMore) and message.at_once:
                try:
                    self._asks.get_nowait()
                except Empty:
                    break
            self._asks.put(message)

    def _round(self, job: Any) -> Iterator[Job]:
        """For the pipeline, which takes the next one when there is room for it, and waits here until there is one.

        While it waits it hands out no answers: so a round ends when the job has nothing to ask for a while.
        """
        while True:
            ask = self._asks.get()
            if not isinstance(ask, Ask):
                self._over = isinstance(ask, NoMore)
                return
            self._begun.append(ask)
            send(self._outbox, Begun(ask.number))
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


if __name__ == "__main__":
    sys.exit("This is a part of vlm and not a command: vlm --help")
