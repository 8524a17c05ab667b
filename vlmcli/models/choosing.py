"""Which files of a repository make the model that is wanted: from its list of files alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from vlmcli.errors import ModelAmbiguous, ModelDamaged, ModelMismatch, ModelNotFound
from vlmcli.models.catalogue.entry import show_gigabytes
from vlmcli.models.file_roles import IsProjector, sort_files
from vlmcli.models.names import Wanted, is_tag
from vlmcli.models.projectors import choose_projector
from vlmcli.models.quantization import PREFERRED_QUANTS, as_quant, read_name
from vlmcli.models.repository import Chosen, RepoFile, Repository

_MOST_NUMBERS = 8


@dataclass(frozen=True, slots=True)
class Weights:
    """One way to have the model: a file, or all parts of a split one, in order."""

    files: tuple[RepoFile, ...]
    stem: str
    quant: str
    model: str
    """Files of one model agree in it: see `read_name`."""
    missing: tuple[int, ...] = ()
    """Numbers of the parts that the repository does not have."""

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    @property
    def tag(self) -> str:
        """What a command calls it where the quantization is not enough."""
        return self.quant or self.stem


def choose(
    repository: Repository,
    wanted: Wanted,
    is_projector: IsProjector | None = None,
    projectors_of: Repository | None = None,
) -> Chosen:
    """Weights and projector of what is wanted.

    `is_projector` looks into a file where names leave open what it is (None: it could not tell); `projectors_of` is
    the repository of the projector where it is another one. Raises ModelNotFound, ModelAmbiguous, ModelMismatch,
    ModelDamaged.
    """
    weights, projectors = sort_files(repository, is_projector)
    if projectors_of is not None:
        projectors = sort_files(projectors_of, is_projector)[1]
    if not weights and projectors:
        raise ModelMismatch(
            f"{repository.id} holds a projector and no model.", f"Models to go with it: {_search(repository.id)}"
        )
    if not projectors:
        raise ModelMismatch(
            f"{repository.id} has no projector (mmproj) among its files, so its model cannot see.",
            "vlm models\nAnother version of it: " + _search(repository.id),
        )
    groups = _groups(weights)
    chosen = _choose_weights(groups, wanted, repository)
    if chosen.missing:
        raise _incomplete(chosen, repository)
    of_one_model = len({group.model for group in groups}) == 1
    projector = choose_projector(projectors, chosen.files[0], wanted.projector, of_one_model)
    return Chosen(chosen.files, projector, chosen.quant)


# --- weights ------------------------------------------------------------------------------------------------


def _groups(files: Iterable[RepoFile]) -> list[Weights]:
    """Files put together to what can be loaded, small ones first."""
    parts: dict[tuple[str, str, int], dict[int, RepoFile]] = {}
    for file in files:
        name = read_name(file.path)
        folder = file.path.rpartition("/")[0]
        parts.setdefault((folder, name.stem, name.parts), {})[name.part] = file
    found = [_group(stem, total, numbered) for (_, stem, total), numbered in parts.items()]
    return sorted(found, key=lambda group: group.size_bytes)


def _group(stem: str, total: int, numbered: dict[int, RepoFile]) -> Weights:
    files = tuple(numbered[number] for number in sorted(numbered))
    missing = tuple(number for number in range(1, total + 1) if number not in numbered)
    name = read_name(files[0].path)
    return Weights(files, stem, name.quant, name.model, missing)


def _choose_weights(groups: Sequence[Weights], wanted: Wanted, repository: Repository) -> Weights:
    if wanted.quant:
        found = _asked_for(groups, wanted)
    else:
        found = _preferred(_matching(groups, wanted.weights), wanted.entry.quant if wanted.entry else "")
    if len(found) == 1:
        return found[0]
    if found:
        raise _unclear(found, wanted, repository)
    missing = wanted.quant or f"file of {wanted.name} any more"
    others = _matching(groups, wanted.weights) or groups
    raise ModelNotFound(f"{repository.id} has no {missing}.", _choices(others, wanted, repository))


def _asked_for(groups: Sequence[Weights], wanted: Wanted) -> list[Weights]:
    """By the file's whole name, or else by quantization; `Q4_K_XL` means `UD-Q4_K_XL` where there is no other."""
    stem = read_name(f"{wanted.quant}.gguf").stem.lower()
    if by_name := [group for group in groups if group.stem.lower() == stem]:
        return by_name
    known = _matching(groups, wanted.weights)
    exact = [group for group in known if group.quant == as_quant(wanted.quant)]
    return exact or [group for group in known if group.quant == f"UD-{wanted.quant}"]


def _preferred(groups: Sequence[Weights], usual: str) -> list[Weights]:
    """The usual quantization of a model, or else the best there is. Several of them when nothing says which."""
    if len({group.model for group in groups}) > 1:
        return list(groups)  # of several models none is the usual one
    for quant in filter(None, (usual, *PREFERRED_QUANTS)):
        if found := [group for group in groups if group.quant == quant]:
            return found
    return list(groups)


def _matching(groups: Sequence[Weights], pattern: str) -> list[Weights]:
    """Those whose name fits. Where none does any more, no other is taken in silence: what lies beside may be stale."""
    return [group for group in groups if fnmatchcase(group.files[0].name.lower(), pattern.lower() or "*")]


# --- what there is to say -----------------------------------------------------------------------------------


def _unclear(found: Sequence[Weights], wanted: Wanted, repository: Repository) -> ModelAmbiguous:
    what = f"several files of {wanted.quant}" if wanted.quant else "several models"
    return ModelAmbiguous(f"{repository.id} holds {what}, and nothing says which.", _choices(found, wanted, repository))


def _choices(groups: Sequence[Weights], wanted: Wanted, repository: Repository) -> str:
    """A line each, the command and the size; by file where quantizations do not tell them apart.

    Names come from the network, and these lines go into a shell: what is not plain is not offered.
    """
    tags = [group.tag for group in groups]
    by_tag = len(set(tags)) == len(tags) and len({group.model for group in groups}) == 1
    if not by_tag or len(_matching(groups, wanted.weights)) < len(groups):
        tags = [group.stem for group in groups]
    sizes = {
        wanted.command(tag): group.size_bytes
        for tag, group in zip(tags, groups, strict=True)
        if is_tag(tag) and tags.count(tag) == 1
    }
    width = max(map(len, sizes), default=0)
    lines = [f"{command:<{width}}  # {show_gigabytes(size_bytes)}" for command, size_bytes in sizes.items()]
    return "\n".join(lines) or f"Its files: https://huggingface.co/{repository.id}/tree/{repository.revision}"


def _incomplete(weights: Weights, repository: Repository) -> ModelDamaged:
    total = read_name(weights.files[0].path).parts
    missing = ", ".join(f"{number:05d}" for number in weights.missing[:_MOST_NUMBERS])
    missing += " and more" if len(weights.missing) > _MOST_NUMBERS else ""
    return ModelDamaged(
        f"{weights.stem} in {repository.id} is split into {total} files, and these are not there: {missing}.",
        f"Another version of it: {_search(repository.id)}",
    )


def _search(repo_id: str) -> str:
    return f"https://huggingface.co/models?library=gguf&search={repo_id.rpartition('/')[2]}"
