"""Which models are on this machine: the Hub's cache read by the same rules that choose what to pull."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vlmcli.errors import ModelError
from vlmcli.models.catalogue import CATALOGUE
from vlmcli.models.choosing import choose
from vlmcli.models.file_roles import sort_files
from vlmcli.models.hub import cached_repositories, find_snapshot
from vlmcli.models.names import Wanted, parse_name
from vlmcli.models.quantization import read_name
from vlmcli.models.repository import Chosen, Repository


@dataclass(frozen=True, slots=True)
class Installed:
    """A model whose files are all here. `weights`: paths of all parts, the first one is opened."""

    wanted: Wanted
    chosen: Chosen
    repository: Repository
    projectors: Repository
    """Where the projector is from: the same repository but for a few models."""

    @property
    def name(self) -> str:
        return self.wanted.name

    @property
    def weights(self) -> tuple[Path, ...]:
        return tuple(_path(self.repository, file.path) for file in self.chosen.weights)

    @property
    def projector(self) -> Path:
        return _path(self.projectors, self.chosen.projector.path)


def find_installed(wanted: Wanted) -> Installed | None:
    """The model at the revision that is wanted, when weights and projector are here and whole."""
    repository = find_snapshot(wanted.repo, wanted.revision)
    return _installed(wanted, repository) if repository else None


def list_installed() -> Iterator[Installed]:
    """Every model that can be asked for by a name: those of the catalogue first, then other repositories, by quant."""
    snapshots: dict[str, Repository] = {}
    for repository in filter(_has_gguf, cached_repositories()):
        if repository.revision == "main" or repository.id.lower() not in snapshots:
            snapshots[repository.id.lower()] = repository
    for entry in CATALOGUE.values():
        if found := snapshots.pop(entry.repo.lower(), None):
            yield from _quants_of(entry.name, found)
    for found in snapshots.values():
        yield from _quants_of(f"hf:{found.id}", found)


def _has_gguf(repository: Repository) -> bool:
    """Other programs keep other kinds of models in the same cache."""
    return any(file.path.lower().endswith(".gguf") for file in repository.files)


def _quants_of(name: str, repository: Repository) -> Iterator[Installed]:
    """Under its plain name the one that is taken without a word, and each other by its quantization or file."""
    revision = "" if repository.revision == "main" else f"@{repository.revision}"
    plain = _named(name + revision, repository)
    if plain:
        yield plain
    weights, _ = sort_files(repository)
    tags = dict.fromkeys(read_name(file.path).quant or read_name(file.path).stem for file in weights)
    for tag in tags:
        found = _named(f"{name}:{tag}{revision}", repository)
        if found and not (plain and found.chosen == plain.chosen):
            yield found


def _named(name: str, repository: Repository) -> Installed | None:
    """What a name means in a repository that was read already."""
    try:
        wanted = parse_name(name)
    except ModelError:
        return None
    return _installed(wanted, repository) if wanted else None


def _installed(wanted: Wanted, repository: Repository) -> Installed | None:
    elsewhere = find_snapshot(wanted.projector_repo) if wanted.projector_repo else None
    if wanted.projector_repo and elsewhere is None:
        return None
    try:
        chosen = choose(repository, wanted, projectors_of=elsewhere)
    except ModelError:
        return None
    return Installed(wanted, chosen, repository, elsewhere or repository)


def _path(repository: Repository, path: str) -> Path:
    assert repository.folder is not None, "a repository on disk has its folder"
    return repository.folder.joinpath(*path.split("/"))
