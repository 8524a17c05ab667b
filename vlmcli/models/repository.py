"""A repository of the Hub as values: what others pass round between listing, choosing and pulling."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RepoFile:
    """One file of a repository. `path` is inside it, with "/" between folders."""

    path: str
    size_bytes: int
    sha256: str = ""
    """Of the content, where it is a large file (LFS); else empty."""
    blob_id: str = ""
    """git's object id (SHA-1 over `blob SIZE\\0` and the content), where it is a small file in git itself."""

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def etag(self) -> str:
        """What the Hub's answer to a HEAD says, without quotes; the name of the blob in the cache."""
        return self.sha256 or self.blob_id


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository at one commit. `revision` is what was asked for: a branch, a tag or a commit."""

    id: str
    commit: str
    files: tuple[RepoFile, ...]
    revision: str = "main"
    licence: str = ""
    gated: bool = False
    folder: Path | None = None
    """Where its files are, for a snapshot on disk."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which files make a model. `weights` are all parts of a split file, in order; the first one is opened."""

    weights: tuple[RepoFile, ...]
    projector: RepoFile
    quant: str
    """As in the file's name, upper case: Q4_K_M. Empty where the name does not say."""

    @property
    def files(self) -> tuple[RepoFile, ...]:
        return (*self.weights, self.projector)

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)
