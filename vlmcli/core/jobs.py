"""What a writer sees: events of jobs."""

from __future__ import annotations

from dataclasses import dataclass

from vlmcli.core.events import StageName
from vlmcli.core.records import Record


@dataclass(frozen=True, slots=True)
class JobStage:
    """Job number `job` (0 is the first; None: all of them) is being loaded, looked at or read."""

    job: int | None
    name: StageName
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class JobThought:
    """Words on the way to the answer, and not of it."""

    job: int
    text: str


@dataclass(frozen=True, slots=True)
class JobText:
    """The next words of a job's answer."""

    job: int
    text: str


@dataclass(frozen=True, slots=True)
class JobDone:
    """A job is done: its answer, or why there is none."""

    job: int
    record: Record


@dataclass(frozen=True, slots=True)
class JobNote:
    """What the engine says of all jobs: see Note."""

    text: str


JobEvent = JobStage | JobThought | JobText | JobDone | JobNote
