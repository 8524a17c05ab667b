"""What the engine is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vlmcli.core.pictures import LoadedImage

Role = Literal["system", "user", "assistant"]
Detail = Literal["low", "auto", "high"]
"""How closely pictures are looked at."""
Says = Literal["answer", "thinking"]
"""What the words of an answer are to whoever asked: the answer, or the way to it."""


@dataclass(frozen=True, slots=True)
class Text:
    """Words. Never control tokens, whatever they spell."""

    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture at this place of the turn."""

    image: LoadedImage


Part = Text | Picture


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side says of a conversation."""

    role: Role
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are chosen. `temperature` 0 is greedy and needs no seed."""

    max_tokens: int = 512
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    dry_multiplier: float = 0.0
    """Strength of the DRY penalty against repeating a sequence; 0 is off."""
    stop: tuple[str, ...] = ()
    """Strings that end the answer and are not part of it."""
    stop_at_repetition: bool = False
    """End the answer when it goes round in a loop."""


@dataclass(frozen=True, slots=True)
class Choices:
    """The answer is one of these labels: each is scored after the same prompt, and nothing is written freely."""

    labels: tuple[str, ...]
    lead_in: str | None = None
    """What the answer says before the label; None: what the model itself says before one, if it does."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The answer is JSON that fits this JSON Schema."""

    json: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """The whole answer matches this regular expression."""

    regex: str


Form = Choices | Schema | Pattern


@dataclass(frozen=True, slots=True)
class Request:
    """One question to the engine: the whole conversation so far, never a rendered prompt."""

    id: int
    turns: tuple[Turn, ...]
    sampling: Sampling = Sampling()
    form: Form | None = None
    """What the answer must look like; None: whatever the model says."""
    prefix: str = ""
    """What the answer has said already: the model goes on from there, and the answer holds only what is new."""
    timeout_s: float | None = None
    """Seconds from the start of work on this request after which it ends with what it has."""
    room_tokens: int = 0
    """Room to keep in the context for what may follow: a conversation that grows does not move."""
    detail: Detail = "auto"
    think: bool = False
    """Tell a chat template that knows of it to let the model think."""
    says: Says = "answer"
    in_conversation: bool = False
    """The turns before are those of a person, whose next answer depends on how the last ones came about."""
    one_of_many: bool = False
    """The end of all counts, and not the first word of this one."""

    @property
    def images(self) -> tuple[LoadedImage, ...]:
        return tuple(p.image for turn in self.turns for p in turn.parts if isinstance(p, Picture))
