"""READ FIRST. Names of pictures in, events out, on one page.

    Job --load--> pictures --task--> Requests --engine--> Answers --task--> Record

Every job is a task's generator: it yields a Request, sleeps, and is woken with the Answer. `run` drives many of them
against one `Engine.stream`. One question is a batch of one: a single answer and a folder run the same code. A task that
yields a Together has several generators of its own, which are driven in the same way.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice

from vlmcli.core import (
    Answer,
    Event,
    Failed,
    JobDone,
    JobEvent,
    JobNote,
    JobStage,
    JobText,
    Note,
    PictureInfo,
    Request,
    Stage,
    TextChunk,
)
from vlmcli.engine import Engine
from vlmcli.errors import VlmError
from vlmcli.images.ahead import Load, load_ahead
from vlmcli.running import Asking, Job, Running
from vlmcli.tasks import Outcome
from vlmcli.tasks.together import Gathering, Together

__all__ = ["Job", "run"]

_LATER_S = 0.02


def run(
    jobs: Iterable[Job | None], engine: Engine, load: Load, model: str, many: bool | None = None
) -> Iterator[JobEvent]:
    """Events of all jobs, each ending in one JobDone. A picture that cannot be read fails its own job only.

    `jobs` may yield None for "nothing right now": it is asked again. `many`: the end of all jobs counts more than the
    first word; None: when there are two or more.
    """
    if many is None:
        source = iter(jobs)
        first = list(islice(source, 2))
        jobs, many = chain(first, source), len(first) > 1
    pipeline = _Pipeline(jobs, load, model, many)
    while pipeline.goes_on():
        for event in engine.stream(pipeline.requests()):
            pipeline.handle(event)
            yield from pipeline.events()
        yield from pipeline.events()


class _Pipeline:
    def __init__(self, jobs: Iterable[Job | None], load: Load, model: str, many: bool) -> None:
        self._jobs = load_ahead(jobs, lambda job: job.pictures, load)
        self._model, self._many = model, many
        self._n_jobs, self._n_requests, self._at_end = 0, 0, False
        self._goes_on = True
        self._running: dict[int, Running] = {}
        self._asking: dict[int, Asking] = {}
        self._ready: deque[Request] = deque()
        self._parted: deque[Running] = deque()
        self._said: deque[JobEvent] = deque()

    def goes_on(self) -> bool:
        """At first, and whenever `requests` ended only for a while: the engine is then asked for another stream."""
        goes_on, self._goes_on = self._goes_on, False
        return goes_on

    def requests(self) -> Iterator[Request | None]:
        """For the engine: follow-ups of running jobs first, then parts of them, then new jobs; None while all wait.

        It ends, for a while, where a picture that cannot be read would else be told of only after the next answer.
        """
        while True:
            if self._ready:
                yield self._ready.popleft()
            elif self._said and not self._running:
                self._goes_on = True
                return
            elif not self._begin_part() and not self._start_next():
                if self._running:
                    yield None
                elif self._at_end:
                    return
                else:
                    time.sleep(_LATER_S)  # nothing to do but to ask again

    def events(self) -> Iterator[JobEvent]:
        while self._said:
            yield self._said.popleft()

    def _start_next(self) -> bool:
        """Take the next job's pictures and run its task up to the first Request. False when there is none right now."""
        for found in self._jobs:
            if found is None:
                return False
            (job, pictures), number = found, self._n_jobs
            self._n_jobs += 1
            if isinstance(pictures, VlmError):
                infos = tuple(PictureInfo(ref.name) for ref in job.pictures)
                self._said.append(JobDone(number, job.record(infos, self._model, pictures)))
                continue
            infos = tuple(PictureInfo(p.name, p.width, p.height, p.digest) for p in pictures)
            running = Running(number, job, infos, job.task.steps(job.brief, pictures))
            self._running[number] = running
            self._go_on(Asking(running, running.steps), None)
            return True
        self._at_end = True
        return False

    def _begin_part(self) -> bool:
        """Begin the next part of a job that has some. False when there is none."""
        while self._parted:
            running = self._parted[0]
            if running.parts and running.parts.waits and running.number in self._running:
                place, steps = running.parts.begin_next()
                self._go_on(Asking(running, steps, place), None)
                return True
            self._parted.popleft()
        return False

    def _go_on(self, asking: Asking, sent: Answer | tuple[Outcome, ...] | None) -> None:
        """Wake a generator: it asks on, or is done."""
        running = asking.running
        try:
            wanted = asking.steps.send(sent) if sent is not None else next(asking.steps)
        except StopIteration as stop:
            self._ended(asking, stop.value)
            return
        except VlmError as error:
            self._fail(running, error)
            return
        if isinstance(wanted, Together):
            running.parts = Gathering(wanted)
            self._parted.append(running)
            self._gathered(running)
            return
        if asking.place is None:
            running.ask(wanted)
        self._asking[self._n_requests] = replace(asking, request=wanted)
        self._ready.append(replace(wanted, id=self._n_requests, one_of_many=self._many))
        self._n_requests += 1

    def handle(self, event: Event) -> None:
        """An engine event as the job's event; an answer wakes the task. Of a job that has failed nothing is heard."""
        if isinstance(event, Stage):
            self._hear_stage(event)
        elif isinstance(event, Note):
            self._said.append(JobNote(event.text))
        elif event.id not in self._asking:
            return
        elif isinstance(event, TextChunk):
            self._hear_words(self._asking[event.id], event.text)
        elif isinstance(event, Failed):
            self._fail(self._asking[event.id].running, event.error)
        else:
            asking = self._asking.pop(event.id)
            self._hear_words(asking, None)
            if asking.request:
                asking.running.answered(asking.request, event.answer)
            if event.answer.stop_reason == "interrupted" and asking.running.parts:
                self._stop_parts(asking.running)
            self._go_on(asking, event.answer)

    def _hear_words(self, asking: Asking, text: str | None) -> None:
        """Words of a part wait for those before them; what has a form is shown when it is whole."""
        running = asking.running
        if asking.place is None and asking.request and asking.request.form is None:
            self._said.extend(running.said(asking.request, text))

    def _hear_stage(self, event: Stage) -> None:
        if event.id is None:
            self._said.append(JobStage(None, event.name, event.done, event.total))
        elif event.id in self._asking:
            running, parts = self._asking[event.id].running, self._asking[event.id].running.parts
            done, total = (parts.done, parts.total) if parts else (event.done, event.total)
            self._said.append(JobStage(running.number, event.name, done, total))

    def _ended(self, asking: Asking, outcome: Outcome) -> None:
        """A generator is done: a part of its job, or the whole of it."""
        running = asking.running
        if asking.place is None:
            self._running.pop(running.number, None)
            self._said.append(JobDone(running.number, running.record(self._model, outcome)))
        elif running.parts and running.number in self._running:
            news = running.parts.put(asking.place, outcome)
            if news:
                self._said.append(JobText(running.number, news))
            self._gathered(running)

    def _gathered(self, running: Running) -> None:
        """When all parts are there, the task goes on with them."""
        outcomes = running.parts.all() if running.parts else None
        if outcomes is not None:
            running.parts = None
            self._go_on(Asking(running, running.steps), outcomes)

    def _stop_parts(self, running: Running) -> None:
        """Ctrl-C: nothing more is begun; what is in work ends by itself, and what waits for its turn here."""
        assert running.parts
        running.parts.stop(Outcome("", "interrupted"))
        unsent = [request for request in self._ready if self._asking[request.id].running is running]
        for request in unsent:
            self._ready.remove(request)
            asking = self._asking.pop(request.id)
            self._go_on(asking, Answer("", "interrupted"))

    def _fail(self, running: Running, error: Exception) -> None:
        if self._running.pop(running.number, None):
            self._said.append(JobDone(running.number, running.job.record(running.infos, self._model, error)))
        self._asking = {id: asking for id, asking in self._asking.items() if asking.running is not running}
        self._ready = deque(request for request in self._ready if request.id in self._asking)
