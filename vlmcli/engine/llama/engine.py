"""The llama.cpp engine: llama.cpp works on a thread of its own, the caller's thread waits on a queue.

So Ctrl-C works in the middle of a fifteen-second encode: the main thread sets the abort switch, takes what has been
said so far, and leaves without waiting when a computation cannot be stopped.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from queue import Empty, SimpleQueue

from vlmcli.core import Answer, Event, Failed, Finished, ModelFiles, Note, Request, Stage, TextChunk
from vlmcli.engine import EngineSettings
from vlmcli.engine.llama.abort import Abort
from vlmcli.engine.llama.devices import MOST_SEQUENCES, best_parallel
from vlmcli.engine.llama.model import OpenModel
from vlmcli.engine.llama.template import import_ahead
from vlmcli.engine.llama.worker import Inbox, Worker
from vlmcli.engine.taking import MOST_PIXEL_BYTES, pixel_bytes, take
from vlmcli.errors import EngineError

_PATIENCE_S = 0.7
"""How long an interrupt waits for llama.cpp to stop. With what follows it stays within the promised second."""
_POLL_S = 0.2 if os.name == "nt" else None  # a wait without end cannot be interrupted on Windows

_Outbox = SimpleQueue[Event | BaseException | None]
"""None: the worker is done. An exception: it could not open the model, or it failed altogether."""


class LlamaEngine:
    """Opens the model at the first `stream`, on the worker's thread, while the first pictures are being decoded."""

    def __init__(self, files: ModelFiles, settings: EngineSettings) -> None:
        self._abort = Abort()
        self._files, self._settings = files, settings
        self._parallel = (
            min(settings.parallel, MOST_SEQUENCES)
            if settings.parallel > 0
            else best_parallel(settings.offload.may_use_gpu)
        )
        self._worker: Worker | None = None
        self._thread: threading.Thread | None = None
        self._outbox: _Outbox | None = None
        self._listens = False  # a stream is on, and does not just read a picture
        self._wait_until = 0.0  # when patience with an interrupted worker ends

    def stream(self, requests: Iterable[Request | None]) -> Iterator[Event]:
        """See Engine.stream."""
        if self._thread and not self._stop():
            self._thread.join()  # an answer that was given up and could not be stopped at once
        inbox: Inbox = SimpleQueue()
        outbox: _Outbox = SimpleQueue()
        self._abort.interrupted = False
        self._outbox = outbox
        said: dict[int, list[str]] = {}  # what is in flight, and its words so far
        self._thread = threading.Thread(target=self._run, args=(inbox, outbox), name="llama", daemon=True)
        self._thread.start()
        source = iter(requests)
        try:
            yield from self._exchange(source, inbox, outbox, said)
        except KeyboardInterrupt:
            yield from self._end_all(outbox, said)
            raise
        finally:
            self._listens = False
            inbox.put(None)
            self._stop()
        if self._worker:  # opened while nothing was asked: what was said of that is not said again
            yield from _notes_in(outbox)

    def _exchange(
        self, source: Iterator[Request | None], inbox: Inbox, outbox: _Outbox, said: dict[int, list[str]]
    ) -> Iterator[Event]:
        """Feed the worker and hand out what it says, until all that was asked is answered."""
        exhausted = False
        pixels: dict[int, int] = {}  # bytes of the pictures of what is in flight
        while True:
            pixels = {id: size for id, size in pixels.items() if id in said}
            space = MOST_PIXEL_BYTES - sum(pixels.values())
            if not exhausted and len(said) <= self._parallel and space > 0:  # one more than can be in work
                self._listens = False
                batch, exhausted = take(source, self._parallel + 1 - len(said), space)
                self._listens = True
                said.update((request.id, []) for request in batch)
                pixels.update((request.id, pixel_bytes(request)) for request in batch)
                if batch:
                    inbox.put(batch)
            if exhausted and not said:
                return
            event = _get(outbox)
            if isinstance(event, BaseException):
                raise event
            if event is None:
                raise EngineError("The engine stopped in the middle of its work.", "Try again with --verbose.")
            _note(event, said)
            yield event

    def _run(self, inbox: Inbox, outbox: _Outbox) -> None:
        """The worker's thread. Whatever goes wrong reaches the main thread as a value."""
        try:
            self._worker = self._worker or self._open(outbox)
            self._worker.serve(inbox, outbox.put)
            outbox.put(None)
        except BaseException as error:  # KeyboardInterrupt from an aborted load among them
            outbox.put(error)

    def _open(self, outbox: _Outbox) -> Worker:
        outbox.put(Stage(None, "loading"))
        import_ahead()
        return Worker(OpenModel(self._files, self._settings, self._abort, outbox.put), self._abort, self._parallel)

    def interrupt(self) -> bool:
        """See Engine.interrupt."""
        if not self._listens or self._abort.interrupted or self._outbox is None:
            return False
        self._outbox.put(KeyboardInterrupt())
        self._stop_soon()
        return True

    def _end_all(self, outbox: _Outbox, said: dict[int, list[str]]) -> Iterator[Event]:
        """Stop the worker and hand out what it still says; what it cannot end is ended here with the words so far."""
        self._stop_soon()
        while said:
            try:
                event = outbox.get(timeout=max(self._wait_until - time.monotonic(), 0.001))
            except Empty:
                break
            if event is None or isinstance(event, BaseException):
                break
            _note(event, said)
            yield event
        for id, words in list(said.items()):
            yield Finished(id, Answer("".join(words), "interrupted"))

    def _stop_soon(self) -> None:
        """Set the abort switch, once: patience is counted from the first time."""
        if not self._abort.interrupted:
            self._abort.interrupted = True
            self._wait_until = time.monotonic() + _PATIENCE_S

    def _stop(self) -> bool:
        """Wait for the worker to be idle, not for long. False when it is still computing."""
        thread = self._thread
        if thread and thread.is_alive():
            self._stop_soon()
            thread.join(max(self._wait_until - time.monotonic(), 0.001))
            if thread.is_alive():
                return False
        self._thread = None
        return True

    def close(self) -> bool:
        """See Engine.close."""
        if not self._stop():
            return False
        worker, self._worker = self._worker, None
        if worker:
            worker.close()
        return True


def _get(outbox: _Outbox) -> Event | BaseException | None:
    while True:
        try:
            return outbox.get(timeout=_POLL_S)
        except Empty:
            continue


def _notes_in(outbox: _Outbox) -> Iterator[Note]:
    while not outbox.empty():
        event = outbox.get_nowait()
        if isinstance(event, Note):
            yield event


def _note(event: Event, said: dict[int, list[str]]) -> None:
    if isinstance(event, TextChunk):
        said.setdefault(event.id, []).append(event.text)
    elif isinstance(event, Finished | Failed):
        said.pop(event.id, None)
