"""READ FIRST. Names of pictures in, events out, on one page.

    Job --load--> pictures --task--> Requests --engine--> Answers --task--> Record

Every job is a task's generator: it yields a Request, sleeps, and is woken with the Answer. `run` drives many of them
against one `Engine.stream`. One question is a batch of one: a single answer and a folder run the same code.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, islice

from vlmcli.core import (
    Answer,
    Confidence,
    Failed,
    Finished,
    ImageRef,
    JobDone,
    JobEvent,
    JobNote,
    JobStage,
    JobText,
    JobThought,
    Note,
    PictureInfo,
    Record,
    Request,
    Stage,
    TextChunk,
    Timings,
)
from vlmcli.engine import Engine
from vlmcli.errors import VlmError
from vlmcli.images.ahead import Load, load_ahead
from vlmcli.tasks import Brief, Outcome, Task
from vlmcli.tasks.task import Steps
from vlmcli.tasks.thinking import Splitter, split_thinking

_LATER_S = 0.02


@dataclass(frozen=True, slots=True)
class Job:
    """One record to be: a task over these pictures."""

    task: Task
    pictures: tuple[ImageRef, ...]
    brief: Brief


@dataclass(slots=True)
class _Running:
    """A job whose generator waits for an answer."""

    number: int
    job: Job
    infos: tuple[PictureInfo, ...]
    steps: Steps
    answers: list[Answer] = field(default_factory=list)
    request: Request | None = None
    """The one whose words come."""
    splitter: Splitter = field(default_factory=Splitter)
    image_tokens: dict[tuple[str, ...], int] = field(default_factory=dict)
    """Of each set of pictures that was asked about, by their digests."""

    def ask(self, request: Request) -> None:
        self.request = request
        if not request.prefix:  # else it goes on with the same answer
            self.splitter = Splitter()

    def said(self, text: str | None) -> Iterator[JobEvent]:
        """The next words as events, thinking and answer told apart; None: these were all."""
        thinking, words = self.splitter.flush() if text is None else self.splitter.feed(text)
        if self.request and self.request.says == "thinking" and not self.splitter.has_thought:
            thinking, words = words, ""
        if thinking:
            yield JobThought(self.number, thinking)
        if words:
            yield JobText(self.number, words)

    def answered(self, answer: Answer) -> None:
        self.answers.append(answer)
        if self.request and self.request.images:
            self.image_tokens[tuple(image.digest for image in self.request.images)] = answer.image_tokens


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
    for event in engine.stream(pipeline.requests()):
        yield from pipeline.settled()
        yield from pipeline.handle(event)
    yield from pipeline.settled()


class _Pipeline:
    def __init__(self, jobs: Iterable[Job | None], load: Load, model: str, many: bool) -> None:
        self._jobs = load_ahead(jobs, lambda job: job.pictures, load)
        self._model, self._many = model, many
        self._n_jobs, self._at_end = 0, False
        self._running: dict[int, _Running] = {}
        self._ready: deque[Request] = deque()
        self._settled: deque[JobDone] = deque()

    def requests(self) -> Iterator[Request | None]:
        """For the engine: follow-ups of running jobs first, then new jobs; None while all wait for answers."""
        while True:
            if self._ready:
                yield self._ready.popleft()
            elif not self._start_next():
                if self._running:
                    yield None
                elif self._at_end:
                    return
                else:
                    time.sleep(_LATER_S)  # nothing to do but to ask again

    def _start_next(self) -> bool:
        """Take the next job's pictures and run its task up to the first Request. False when there is none right now."""
        for found in self._jobs:
            if found is None:
                return False
            (job, pictures), number = found, self._n_jobs
            self._n_jobs += 1
            if isinstance(pictures, VlmError):
                infos = tuple(PictureInfo(ref.name) for ref in job.pictures)
                self._settled.append(JobDone(number, self._record(job, infos, error=pictures)))
                continue
            infos = tuple(PictureInfo(p.name, p.width, p.height, p.digest) for p in pictures)
            self._begin(_Running(number, job, infos, job.task.steps(job.brief, pictures)))
            return True
        self._at_end = True
        return False

    def _begin(self, running: _Running) -> None:
        """Up to the first Request; a task may also know its outcome, or what is wrong, from the pictures alone."""
        number = running.number
        try:
            request = next(running.steps)
        except StopIteration as stop:
            self._settled.append(JobDone(number, self._answered(running, stop.value)))
        except VlmError as error:
            self._settled.append(JobDone(number, self._record(running.job, running.infos, error=error)))
        else:
            self._running[number] = running
            self._ask(running, request)

    def _ask(self, running: _Running, request: Request) -> None:
        running.ask(request)
        self._ready.append(replace(request, id=running.number, one_of_many=self._many))

    def settled(self) -> Iterator[JobEvent]:
        """Jobs that ended without the engine: what cannot be read, what needs no answer."""
        while self._settled:
            yield self._settled.popleft()

    def handle(self, event: object) -> Iterator[JobEvent]:
        """An engine event as the job's event; an answer wakes the task, which asks on or is done."""
        if isinstance(event, Stage):
            yield JobStage(event.id, event.name, event.done, event.total)
        elif isinstance(event, TextChunk):
            if self._running[event.id].job.brief.options.form is None:  # what has a form is shown when it is whole
                yield from self._running[event.id].said(event.text)
        elif isinstance(event, Note):
            yield JobNote(event.text)
        elif isinstance(event, Failed):
            running = self._running.pop(event.id)
            yield JobDone(event.id, self._record(running.job, running.infos, error=event.error))
        elif isinstance(event, Finished):
            yield from self._running[event.id].said(None)
            yield from self._wake(self._running[event.id], event.answer)

    def _wake(self, running: _Running, answer: Answer) -> Iterator[JobEvent]:
        running.answered(answer)
        try:
            self._ask(running, running.steps.send(answer))
        except StopIteration as stop:
            del self._running[running.number]
            yield JobDone(running.number, self._answered(running, stop.value))
        except VlmError as error:
            del self._running[running.number]
            yield JobDone(running.number, self._record(running.job, running.infos, error=error))

    def _answered(self, running: _Running, outcome: Outcome) -> Record:
        answers = running.answers
        record = self._record(running.job, running.infos)
        thinking, text = split_thinking(outcome.text, outcome.stop_reason)
        return replace(
            record,
            text=text,
            thinking="\n\n".join(filter(None, (outcome.thinking, thinking))),
            stop_reason=outcome.stop_reason,
            cut_short=outcome.cut_short,
            prompt_tokens=answers[0].prompt_tokens if answers else 0,
            image_tokens=sum(running.image_tokens.values()),
            answer_tokens=sum(answer.answer_tokens for answer in answers),
            timings=_total(answers),
            cached=bool(answers) and all(answer.cached for answer in answers),
            choice=outcome.choice,
            probabilities=outcome.probabilities,
            data=outcome.data,
            confidence=_confidence(answers[:1] if outcome.probabilities else answers),
            doubtful=answers[0].doubtful if len(answers) == 1 and outcome.text == answers[0].text else (),
            error=outcome.error,
            regions=outcome.regions,
        )

    def _record(self, job: Job, infos: tuple[PictureInfo, ...], error: Exception | None = None) -> Record:
        question = job.task.question(job.brief, len(job.pictures))
        return Record(infos, job.task.name, question, self._model, error=error)


def _confidence(answers: list[Answer]) -> Confidence | None:
    """Of all tokens that were written."""
    known = [(answer.confidence, answer.answer_tokens) for answer in answers if answer.confidence]
    tokens = sum(count for _, count in known)
    if not tokens:
        return None
    return Confidence(sum(c.mean * count for c, count in known) / tokens, min(c.lowest for c, _ in known))


def _total(answers: list[Answer]) -> Timings:
    """Timings of a job of several answers: the first word is the first answer's, the rest adds up."""
    if len(answers) < 2:
        return answers[0].timings if answers else Timings()
    timings = [answer.timings for answer in answers]
    decode_ms = sum(t.decode_ms for t in timings)
    steps = sum(t.tokens_per_second * t.decode_ms for t in timings)
    return Timings(
        load_ms=timings[0].load_ms,
        encode_ms=sum(t.encode_ms for t in timings),
        prefill_ms=sum(t.prefill_ms for t in timings),
        first_token_ms=timings[0].first_token_ms,
        decode_ms=decode_ms,
        tokens_per_second=steps / decode_ms if decode_ms else 0.0,
    )
