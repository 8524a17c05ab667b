"""Pictures are read and decoded on a few threads ahead of whoever needs them, in their order and within bounds."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from queue import SimpleQueue
from typing import Generic, TypeVar

from vlmcli.core import ImageRef, LoadedImage
from vlmcli.errors import VlmError

_MOST_AHEAD = 4
_MOST_BYTES_AHEAD = 256 << 20
"""Pixels that wait to be taken. What is being decoded just then may come on top."""
_MOST_THREADS = 4
_POLL_S = 0.2 if os.name == "nt" else None  # a wait without end cannot be interrupted on Windows

Load = Callable[[ImageRef], LoadedImage]
Job = TypeVar("Job")


def load_ahead(
    jobs: Iterable[Job | None], pictures_of: Callable[[Job], Sequence[ImageRef]], load: Load
) -> Iterator[tuple[Job, list[LoadedImage] | VlmError] | None]:
    """Each job with its pictures, or with the first error among them; in order.

    None among the jobs is "nothing right now": what was found before it is handed out, then None as well.

    A reference that the job before had too is not loaded again. A lone job is loaded on the caller's thread.
    """
    window = _Window(jobs, pictures_of)
    queue: SimpleQueue[_Loading | None] = SimpleQueue()
    threads: list[threading.Thread] = []
    try:
        window.fill()
        while window.waiting or not window.at_end:
            if not window.waiting:
                yield None
                window.fill()
                continue
            job, loadings = window.waiting.popleft()
            window.fill()
            if window.waiting and not threads:
                threads = _start_threads(queue, load)
            for loading in [*loadings, *(each for _, ahead in window.waiting for each in ahead)]:
                loading.begin(queue.put if threads else lambda one: one.run(load))
            yield job, _pictures(loadings)
    finally:
        for _ in threads:
            queue.put(None)


class _Window(Generic[Job]):
    """The next jobs, as many as may be loaded ahead."""

    def __init__(self, jobs: Iterable[Job | None], pictures_of: Callable[[Job], Sequence[ImageRef]]) -> None:
        self.waiting: deque[tuple[Job, list[_Loading]]] = deque()
        self._jobs, self._pictures_of = iter(jobs), pictures_of
        self._latest: list[_Loading] = []
        self.at_end = False

    def fill(self) -> None:
        while len(self.waiting) < _MOST_AHEAD and self._bytes_waiting < _MOST_BYTES_AHEAD:
            try:
                job = next(self._jobs)
            except StopIteration:
                self.at_end = True
                return
            if job is None:
                return
            known = {id(loading.ref): loading for loading in self._latest}
            self._latest = [known.get(id(ref)) or _Loading(ref) for ref in self._pictures_of(job)]
            self.waiting.append((job, self._latest))

    @property
    def _bytes_waiting(self) -> int:
        return sum(loading.size_bytes for _, loadings in self.waiting for loading in loadings)


class _Loading:
    """One picture on its way."""

    def __init__(self, ref: ImageRef) -> None:
        self.ref = ref
        self.size_bytes = 0
        self._done = threading.Event()
        self._begun = False
        self._image: LoadedImage | None = None
        self._error: BaseException | None = None

    def begin(self, start: Callable[[_Loading], None]) -> None:
        if not self._begun:
            self._begun = True
            start(self)

    def run(self, load: Load) -> None:
        try:
            self._image = load(self.ref)
            self.size_bytes = len(self._image.rgb)
        except Exception as error:  # it is raised where the picture is taken
            self._error = error
        self._done.set()

    def take(self) -> LoadedImage:
        """The picture. Raises what loading it raised."""
        while not self._done.wait(_POLL_S):
            pass
        if self._error:
            raise self._error
        assert self._image is not None
        return self._image


def _pictures(loadings: Sequence[_Loading]) -> list[LoadedImage] | VlmError:
    try:
        return [loading.take() for loading in loadings]
    except VlmError as error:
        return error


def _start_threads(queue: SimpleQueue[_Loading | None], load: Load) -> list[threading.Thread]:
    """They work until each finds a None. Daemons: a picture that never comes does not keep the program from ending."""

    def work() -> None:
        while loading := queue.get():
            loading.run(load)

    count = min(_MOST_THREADS, os.cpu_count() or 1)
    threads = [threading.Thread(target=work, name=f"pictures-{number}", daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    return threads
