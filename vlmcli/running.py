"""A job in work: its generator, what was said so far, and the record that it becomes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from vlmcli.core import Answer, ImageRef, JobEvent, JobText, JobThought, PictureInfo, Record, Request
from vlmcli.errors import OutOfTime, ServerOutOfTime, VlmError
from vlmcli.tasks import Brief, Outcome, Task
from vlmcli.tasks.task import Steps
from vlmcli.tasks.thinking import Splitter, split_thinking
from vlmcli.tasks.together import Gathering
from vlmcli.tasks.totals import answers_that_count, doubtful_places, mean_confidence, total_timings


@dataclass(frozen=True, slots=True)
class Job:
    """One record to be: a task over these pictures."""

    task: Task
    pictures: tuple[ImageRef, ...]
    brief: Brief

    def record(self, infos: tuple[PictureInfo, ...], model: str, error: Exception | None = None) -> Record:
        """What is known of it without an answer."""
        question = self.task.question(self.brief, len(self.pictures))
        return Record(infos, self.task.name, question, model, error=error)


@dataclass(slots=True)
class Running:
    """A job whose generator waits for an answer."""

    number: int
    job: Job
    infos: tuple[PictureInfo, ...]
    steps: Steps
    parts: Gathering | None = None
    """What the job reads side by side."""
    _answers: list[Answer] = field(default_factory=list)
    _splitter: Splitter = field(default_factory=Splitter)
    _image_tokens: dict[tuple[str, ...], int] = field(default_factory=dict)
    """Of each set of pictures that was asked about, by their digests."""

    def ask(self, request: Request) -> None:
        """Words of its own come next."""
        if not request.prefix:  # else it goes on with the same answer
            self._splitter = Splitter()

    def said(self, request: Request, text: str | None) -> Iterator[JobEvent]:
        """The next words as events, thinking and answer told apart; None: these were all."""
        thinking, words = self._splitter.flush() if text is None else self._splitter.feed(text)
        if request.says == "thinking" and not self._splitter.has_thought:
            thinking, words = words, ""
        if thinking:
            yield JobThought(self.number, thinking)
        if words and self.job.brief.options.form is None:  # else they come when they are whole, and in their form
            yield JobText(self.number, words)

    def answered(self, request: Request, answer: Answer) -> None:
        self._answers.append(answer)
        if request.images:
            self._image_tokens[tuple(image.digest for image in request.images)] = answer.image_tokens

    def record(self, model: str, outcome: Outcome) -> Record:
        """What the task made of the answers."""
        answers = self._answers
        thinking, text = split_thinking(outcome.text, outcome.stop_reason)
        return replace(
            self.job.record(self.infos, model),
            text=text,
            thinking="\n\n".join(filter(None, (outcome.thinking, thinking))),
            stop_reason=outcome.stop_reason,
            cut_short=outcome.cut_short,
            blocks=outcome.blocks,
            regions=outcome.regions,
            prompt_tokens=sum(answer.prompt_tokens for answer in answers),
            image_tokens=sum(self._image_tokens.values()),
            answer_tokens=sum(answer.answer_tokens for answer in answers),
            timings=total_timings(answers),
            cached=bool(answers) and all(answer.cached for answer in answers),
            choice=outcome.choice,
            probabilities=outcome.probabilities,
            data=outcome.data,
            confidence=mean_confidence(answers_that_count(answers)),
            doubtful=None if outcome.probabilities else doubtful_places(text, answers),
            error=outcome.error or self._wordless(outcome, text),
        )

    def _wordless(self, outcome: Outcome, text: str) -> VlmError | None:
        """An answer that time ended before its first word is none."""
        timeout_s = self.job.brief.options.timeout_s
        if text or timeout_s is None or outcome.stop_reason != "timeout":
            return None
        names = ", ".join(info.name for info in self.infos)
        sentence = f"There was no word of an answer about {names} within {timeout_s:g} seconds."
        kind = ServerOutOfTime if self.job.brief.is_served else OutOfTime
        return kind(sentence, "More time: --timeout SECONDS")


@dataclass(frozen=True, slots=True)
class Asking:
    """A generator that waits for the answer to `request`: the job's own, or, with a `place`, one of its parts."""

    running: Running
    steps: Steps
    place: int | None = None
    request: Request | None = None
