"""What the engine says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vlmcli.core.requests import Choices

StopReason = Literal["end", "stop", "length", "context", "timeout", "repetition", "interrupted", "connection"]
"""end: the model was done; stop: a stop string; length: max_tokens; context: no room left in the context;
timeout: the time for this picture was over; repetition: it went round in a loop; interrupted: Ctrl-C;
connection: the server that gave it was cut off."""

StageName = Literal["loading", "looking", "reading", "waiting"]


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds, each for this request alone except `load_ms` (0 when the model was open already)."""

    load_ms: float = 0.0
    encode_ms: float = 0.0
    prefill_ms: float = 0.0
    first_token_ms: float = 0.0
    """From the start of work on the request, loading included, to its first token."""
    decode_ms: float = 0.0
    """From the first token to the last."""
    tokens_per_second: float = 0.0
    """Tokens after the first over `decode_ms`."""


@dataclass(frozen=True, slots=True)
class Confidence:
    """Probabilities of the tokens that were written, as the model gave them before any sampling."""

    mean: float
    lowest: float


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer to one request."""

    text: str
    stop_reason: StopReason
    prompt_tokens: int = 0
    """Tokens of the prompt, those of the pictures included."""
    image_tokens: int = 0
    answer_tokens: int = 0
    timings: Timings = Timings()
    reused_tokens: int = 0
    """Tokens of the prompt that were held already and not read again."""
    cached: bool = False
    """The whole answer was recalled: nothing was computed."""
    confidence: Confidence | None = None
    """None: the engine does not tell."""
    probabilities: tuple[float, ...] = ()
    """Of each of the request's choices, in their order; they add up to 1."""
    scored: Choices | None = None
    """The choices as they were scored: spelled as the model would, after what it would say first."""
    doubtful: tuple[tuple[int, int], ...] = ()
    """Where in the text the tokens stand that were less likely than not: (first character, the one after the last)."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What the engine is busy with for a request (None: for all, while the model loads).

    `looking` goes by the pictures and their tiles: `done` of `total`; a total of 0 is not known.
    """

    id: int | None
    name: StageName
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class TextChunk:
    """The next words of an answer: whole characters, nothing that a stop string would take back."""

    id: int
    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """An answer is whole."""

    id: int
    answer: Answer


@dataclass(frozen=True, slots=True)
class Failed:
    """This request cannot be answered; the others go on."""

    id: int
    error: Exception


@dataclass(frozen=True, slots=True)
class Note:
    """Something about the work as a whole that a person should know, once: less than was hoped for, and why."""

    text: str
    answers_differ: bool = False
    """From here on answers may be other ones than the settings would give elsewhere: they are not kept."""


Event = Stage | TextChunk | Finished | Failed | Note
