"""Which files of a model nothing else needs, and versions of models that a newer pull has replaced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vlmcli.errors import ModelError
from vlmcli.models.file_roles import sort_files
from vlmcli.models.hub import cached_repositories, delete_files
from vlmcli.models.installed import Installed
from vlmcli.models.repository import Repository
from vlmcli.models.used import forget_used


def remove_installed(found: Installed) -> int:
    """The weights; the projector too, unless other weights beside them need it. The bytes that the disk has again.

    Raises ModelError, OutputError.
    """
    going = [file.path for file in found.chosen.weights]
    if found.projectors is found.repository and not _other_weights(found):
        going.append(found.chosen.projector.path)
    forget_used(found.weights[0])
    return delete_files(found.repository.id, found.repository.commit, going)


def _other_weights(found: Installed) -> bool:
    weights, _ = sort_files(found.repository)
    return any(file not in found.chosen.weights for file in weights)


@dataclass(frozen=True, slots=True)
class Stale:
    """A snapshot of a model that no branch or tag stands for, beside one that some does."""

    repository: Repository
    files: tuple[str, ...]


def stale_snapshots() -> Iterator[Stale]:
    """Only of repositories that hold GGUF files: what other programs keep there is theirs."""
    found = list(cached_repositories())
    current = {repository.id for repository in found if repository.revision != repository.commit}
    for repository in found:
        if repository.revision == repository.commit and repository.id in current:
            files = tuple(file.path for file in repository.files if file.name.lower().endswith(".gguf"))
            if files:
                yield Stale(repository, files)


def drop_stale(stale: Stale) -> int:
    """The bytes that the disk has again; 0 where a pull is at work on it."""
    try:
        return delete_files(stale.repository.id, stale.repository.commit, stale.files)
    except ModelError:
        return 0
