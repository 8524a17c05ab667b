"""What a pull says while it goes on: values for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vlmcli.models.repository import RepoFile


@dataclass(frozen=True, slots=True)
class Begun:
    """Said first, once. `here_bytes`: for each file how much of it lies on disk already (its size: it is done)."""

    files: tuple[RepoFile, ...]
    here_bytes: tuple[int, ...]
    folder: Path
    """The snapshot's folder, where the files will be."""


@dataclass(frozen=True, slots=True)
class Progress:
    """So much of `file` is on disk. At most a few times a second for each file, and at its last byte."""

    file: RepoFile
    done_bytes: int


@dataclass(frozen=True, slots=True)
class Checking:
    """What lies on disk of `file` from an earlier pull is read again, for the checksum."""

    file: RepoFile
    done_bytes: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Another process downloads this very file: it is waited for, and used."""

    file: RepoFile


@dataclass(frozen=True, slots=True)
class Retrying:
    """The connection broke, or the server asked for patience: on in `wait_s` seconds from where it was."""

    file: RepoFile
    reason: str
    wait_s: float


@dataclass(frozen=True, slots=True)
class Pulled:
    """The whole file is there, its checksum is right, and it stands at `path`."""

    file: RepoFile
    path: Path


PullEvent = Begun | Progress | Checking | Waiting | Retrying | Pulled
