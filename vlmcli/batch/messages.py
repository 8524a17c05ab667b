"""What a job and its engine's process say to each other, pickled one after the other over two pipes."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from vlmcli.core import ImageRef, JobEvent, Record, StageName
from vlmcli.errors import EngineError
from vlmcli.images.wishes import Wish
from vlmcli.pipeline import Job
from vlmcli.tasks import TaskOptions


class Opened(Protocol):
    """A model that answers jobs: `vlmcli.api.Vlm`."""

    def job(self, task: str, pictures: Sequence[ImageRef], options: TaskOptions) -> Job: ...
    @property
    def fingerprint(self) -> str: ...
    def run(self, jobs: Iterable[Job | None], many: bool | None = None) -> Iterator[JobEvent]: ...
    def close(self) -> bool: ...


# --- to the process -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """The first message. `open` gives the model: a function and its arguments, sent by name."""

    open: Callable[[], Opened]
    task: str
    options: tuple[TaskOptions, ...]
    """One for each question."""
    wish: Wish
    model: str
    """Its name, as records show it."""
    fingerprint: str = ""
    """Of the model, where it is to be looked at whether another machine's is the same."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One record to be. `content`: the picture's bytes, where only the job can read them (standard input)."""

    number: int
    name: str
    options: int
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing more for now: answer what you have, as if it were all, and then go on."""


@dataclass(frozen=True, slots=True)
class NoMore:
    """Answer what you have, then leave. `at_once`: only what is begun."""

    at_once: bool = False


# --- from the process ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Loading:
    """Nothing is answered just now: the model is being opened, or a server is waited for.

    `note`: what a person should know about how it is opened.
    """

    stage: StageName = "loading"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Begun:
    """From now on this picture may be what ends the process."""

    number: int


@dataclass(frozen=True, slots=True)
class Done:
    """`sha256`: of the bytes of the picture's file, empty where they could not be read."""

    number: int
    record: Record
    sha256: str


@dataclass(frozen=True, slots=True)
class Killed:
    """This picture ended whoever had it, more than once."""

    number: int
    error: EngineError


@dataclass(frozen=True, slots=True)
class GaveUp:
    """No picture can be answered: the model cannot be opened, or worse."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Died:
    """The last message, made up by the receiving side. `said`: the last line on its stderr."""

    exit_status: int
    said: str = ""


def send(stream: BinaryIO, message: Any) -> None:
    stream.write(pickle.dumps(message, pickle.HIGHEST_PROTOCOL))
    stream.flush()


def receive(stream: BinaryIO) -> Any:
    """The next message; None when the other side is gone."""
    try:
        return pickle.load(stream)
    except (EOFError, OSError, pickle.UnpicklingError):
        return None
