"""The nouns that travel between the rooms: frozen values, no behaviour beyond what they are.

ImageRef -> LoadedImage -> Request -> TextChunk … Finished -> Record
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

SCHEMA_VERSION = 1
"""Version of the JSON record, in its field `schema`. It grows when a field changes its meaning or goes."""


# --- pictures ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ImageRef:
    """Where a picture is said to be. `name` is what the user typed, and what every message calls it."""

    name: str
    kind: Literal["file", "stdin", "memory"] = "file"
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class LoadedImage:
    """Upright 8-bit RGB pixels: `rgb` holds `height` rows of `width` pixels of 3 bytes, no padding."""

    name: str
    width: int
    height: int
    rgb: bytes = field(repr=False)
    digest: str
    """SHA-256 (hex) of the size and the pixels: equal pictures are equal whatever file they came in."""
    format: str = ""
    """What the bytes were, as Pillow names it: JPEG, PNG, …"""


# --- what the engine is asked -----------------------------------------------------------------------------

Role = Literal["system", "user", "assistant"]


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
class Request:
    """One question to the engine: the whole conversation so far, never a rendered prompt."""

    id: int
    turns: tuple[Turn, ...]
    sampling: Sampling = Sampling()
    prefix: str = ""
    """What the answer has said already: the model goes on from there, and the answer holds only what is new."""
    timeout_s: float | None = None
    """Seconds from the start of work on this request after which it ends with what it has."""
    room_tokens: int = 0
    """Room to keep in the context for what may follow: a conversation that grows does not move."""
    one_of_many: bool = False
    """The end of all counts, and not the first word of this one."""

    @property
    def images(self) -> tuple[LoadedImage, ...]:
        return tuple(p.image for turn in self.turns for p in turn.parts if isinstance(p, Picture))


# --- what the engine says ---------------------------------------------------------------------------------

StopReason = Literal["end", "stop", "length", "context", "timeout", "repetition", "interrupted"]
"""end: the model was done; stop: a stop string; length: max_tokens; context: no room left in the context;
timeout: the time for this picture was over; repetition: it went round in a loop; interrupted: Ctrl-C."""

StageName = Literal["loading", "looking", "reading"]


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
    id: int
    answer: Answer


@dataclass(frozen=True, slots=True)
class Failed:
    """This request cannot be answered; the others go on."""

    id: int
    error: Exception


Event = Stage | TextChunk | Finished | Failed


# --- a model on disk --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Family:
    """How models of one kind were trained to be spoken to."""

    name: str
    chat_template: str = ""
    own_template_first: bool = False
    template_variables: Mapping[str, bool] = field(default_factory=dict)
    """Jinja, and what it is told beside the conversation. Empty, or own first: the one in the model's own file."""
    stop: tuple[str, ...] = ()
    several_pictures: bool = True
    """Trained on several pictures in one prompt; otherwise `compare` stitches them side by side."""
    picture_first: bool = True
    before_picture: str = ""
    separator: str = "\n"
    """What stands before each picture of a turn, and between it and what follows."""
    tasks: tuple[str, ...] = ()
    wordings: Mapping[str, str] = field(default_factory=dict)
    """Tasks it was trained on (empty: all), and words for them that differ from ours: `describe.caption`, `ocr`, …"""
    sampling: Mapping[str, float] = field(default_factory=dict)
    """Fields of `Sampling` where the makers' advice differs from ours; what the user says wins over it."""
    image_min_tokens: int = 0
    """Tokens for a picture below which answers are poor; 0: the projector's own limits."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A decoder and its projector on disk, and how to speak to them."""

    name: str
    decoder: Path
    projector: Path
    family: Family
    warnings: tuple[str, ...] = ()


# --- the machine ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Device:
    """A device that llama.cpp can use as it was built, by the name that it gives it: CPU, CUDA0, Metal, Vulkan0."""

    name: str
    description: str
    is_gpu: bool
    free_bytes: int
    total_bytes: int


# --- a result ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PictureInfo:
    """What a record says of a picture. `width` and `height` in pixels, 0 where it could not be read."""

    name: str
    width: int = 0
    height: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One answered (or failed) job, as every writer and the JSON show it."""

    pictures: tuple[PictureInfo, ...]
    task: str
    question: str
    model: str
    text: str = ""
    stop_reason: StopReason | None = None
    cut_short: bool = False
    """The answer is not whole: a limit, a loop, a timeout or Ctrl-C ended it."""
    prompt_tokens: int = 0
    image_tokens: int = 0
    answer_tokens: int = 0
    timings: Timings = Timings()
    cached: bool = False
    error: Exception | None = None

    @property
    def name(self) -> str:
        return ", ".join(p.name for p in self.pictures)


# --- what a writer sees -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class JobStage:
    """Job number `job` (0 is the first; None: all of them) is being loaded, looked at or read."""

    job: int | None
    name: StageName
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class JobText:
    job: int
    text: str


@dataclass(frozen=True, slots=True)
class JobDone:
    job: int
    record: Record


JobEvent = JobStage | JobText | JobDone
