"""What a task is: a value whose `steps` is a generator that yields Requests, is sent Answers, returns an Outcome.

Where it yields a Together instead it is sent a tuple of Outcomes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from vlmcli.core import (
    Confidence,
    Detail,
    Difference,
    Family,
    Form,
    LoadedImage,
    Part,
    Picture,
    Region,
    Request,
    Sampling,
    StopReason,
    Text,
    Turn,
)
from vlmcli.core.pages import Page, TextBlock, TextLine
from vlmcli.errors import UsageError, VlmError
from vlmcli.tasks.limits import check_values
from vlmcli.tasks.together import Together

Steps = Generator[Request | Together, Any, "Outcome"]
Exchange = tuple[str, str]
"""A question and its answer."""
Stitch = Callable[[Sequence[LoadedImage], Sequence[str]], LoadedImage]
LayOut = Callable[[LoadedImage], Page | None]
"""What to show of a page that is larger than the model's eyes; None: the picture as it is."""
Differing = Callable[[LoadedImage, LoadedImage], Difference]
Draw = Callable[[LoadedImage, Sequence[Region], str], None]


_DRAWING = ("temperature", "top_p")
"""Fields of Sampling that bring chance into an answer."""
_CONVERSATION_TOKENS = 2048
"""Room that a conversation asks for beyond its first answer, so that it does not move to a larger context."""


@dataclass(frozen=True, slots=True)
class TaskOptions:
    """What the user said. None and empty: the task's own."""

    question: str = ""
    style: str = ""
    lang: str = ""
    prompt: str = ""
    """Replaces the task's wording."""
    system: str = ""
    strategy: str = "auto"
    whole: bool = False
    """Read a page in one look, however small its letters are then."""
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    timeout_s: float | None = None
    form: Form | None = None
    """What the answer must look like."""
    calibrate: bool = False
    """Of choices: take away how likely each label is without any picture."""
    min_confidence: float = 0.0
    """Of choices: below this probability none is chosen."""
    detail: Detail = "auto"
    think: bool = False
    diff: str = ""
    """Where `compare` draws the regions that differ, as a PNG file; empty: nowhere."""

    def __post_init__(self) -> None:
        """Raises UsageError for a value that makes no sense."""
        check_values(self)

    def sampling(self, default: Sampling) -> Sampling:
        """`default` with what the user set in its place."""
        return replace(
            default,
            max_tokens=default.max_tokens if self.max_tokens is None else self.max_tokens,
            temperature=default.temperature if self.temperature is None else self.temperature,
            top_p=default.top_p if self.top_p is None else self.top_p,
            seed=default.seed if self.seed is None else self.seed,
        )


@dataclass(frozen=True, slots=True)
class Brief:
    """All that a task needs to know beside its pictures. `stitch` joins pictures into one, each with its label."""

    options: TaskOptions
    family: Family
    stitch: Stitch
    history: tuple[Exchange, ...] | None = None
    """What was asked and answered before about the same pictures; None: this is no conversation."""
    lay_out: LayOut | None = None
    """None: every picture is read as it is."""
    thinks: bool = False
    """The model thinks by itself before it answers, when it is let."""
    differing: Differing | None = None
    """Finds where two pictures of one size differ."""
    draw: Draw | None = None
    """Draws such places into the file that the options name."""
    is_served: bool = False
    """A server answers."""

    def wording(self, key: str, default: str) -> str:
        """The words to send: the user's, or those that the family was trained on, or ours; in the asked language.

        Raises UsageError for a task that the family was not trained on, unless the words are the user's own.
        """
        if not self.options.prompt:
            self._check_task(key.partition(".")[0])
        words = self.options.prompt or self.family.wordings.get(key, default)
        return f"{words} Answer in {self.options.lang}." if self.options.lang else words

    def _check_task(self, task: str) -> None:
        trained = self.family.tasks
        if trained and task not in trained:
            raise UsageError(
                f"This model is of the family {self.family.name}, which was not trained to {task} pictures.",
                f"What it was trained for: vlm {trained[-1]}. In words of your own: --prompt TEXT",
            )

    def request(
        self, pictures: Sequence[LoadedImage], question: str, sampling: Sampling, *, greedy: bool = False
    ) -> Request:
        """The turns so far and this question. The pictures stand in the first of them.

        `greedy`: the same words for the same picture every time, whatever the family's makers advise.
        """
        questions = [*(asked for asked, _ in self.history or ()), question]
        answers = [Turn("assistant", (Text(said),)) for _, said in self.history or ()]
        asked = [self._user_turn(pictures if i == 0 else (), words) for i, words in enumerate(questions)]
        turns = [turn for pair in zip(asked, answers, strict=False) for turn in pair] + [asked[-1]]
        if self.options.system:
            turns.insert(0, Turn("system", (Text(self.options.system),)))
        advice: Mapping[str, Any] = self.family.sampling
        advised = {name: value for name, value in advice.items() if not (greedy and name in _DRAWING)}
        settings = self.options.sampling(replace(sampling, **advised))
        settings = replace(settings, stop=self.family.stop, stop_at_repetition=True)
        room_tokens = 0 if self.history is None else _CONVERSATION_TOKENS
        return Request(
            0,
            tuple(turns),
            settings,
            timeout_s=self.options.timeout_s,
            room_tokens=room_tokens,
            detail=self.options.detail,
            think=self.options.think,
            in_conversation=self.history is not None,
        )

    def _user_turn(self, pictures: Sequence[LoadedImage], question: str) -> Turn:
        """The pictures, then the words, or the other way round where the family wants it."""
        images: list[Part] = [Picture(picture) for picture in pictures]
        words: list[Part] = [Text(question)] if question else []
        return Turn("user", (*images, *words) if self.family.picture_first else (*words, *images))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a task made of its answers."""

    text: str
    stop_reason: StopReason
    choice: str | None = None
    probabilities: tuple[tuple[str, float], ...] = ()
    data: Any = None
    error: VlmError | None = None
    """It is no answer after all."""
    blocks: tuple[TextBlock, ...] = ()
    """What was read where, of a page."""
    lines: tuple[TextLine, ...] = ()
    """What was read of each piece, of one look at a page."""
    confidence: Confidence | None = None
    thinking: str = ""
    regions: tuple[Region, ...] | None = None

    @property
    def cut_short(self) -> bool:
        return self.stop_reason not in ("end", "stop")


@dataclass(frozen=True, slots=True)
class Task:
    """`question` gives the words that will be asked about so many pictures; `steps` asks them."""

    name: str
    question: Callable[[Brief, int], str]
    steps: Callable[[Brief, Sequence[LoadedImage]], Steps]
