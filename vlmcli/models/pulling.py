"""A name -> a plan of what to fetch -> files on disk that are known to belong together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vlmcli.errors import HubUnreachable, ModelError, ModelNotFound, UsageError
from vlmcli.gguf import read_header, read_parts
from vlmcli.gguf.vocabulary import check_vocabulary
from vlmcli.models.choosing import choose
from vlmcli.models.hub import list_repository, pull, read_start
from vlmcli.models.hub.events import Begun, PullEvent
from vlmcli.models.hub.names import is_repo_id
from vlmcli.models.hub.placing import Place
from vlmcli.models.installed import find_installed
from vlmcli.models.names import nearest_names, parse_name
from vlmcli.models.pairing import check_roles, check_widths
from vlmcli.models.repository import Chosen, RepoFile, Repository

PROJECTOR_ARCHITECTURES = ("clip", "mmproj")
_PEEKED_BYTES = 4096
"""Of a file whose name leaves open what it is: its architecture stands among the first keys."""


@dataclass(frozen=True, slots=True)
class PullPlan:
    """What makes a model, where it comes from and where it goes. `here_bytes` for each of `chosen.files`."""

    name: str
    repository: Repository
    projectors: Repository
    chosen: Chosen
    here_bytes: tuple[int, ...]
    paths: tuple[Path, ...]
    unasked: str = ""
    """Why the Hub could not be asked for a newer version; then all of it is here."""

    @property
    def missing_bytes(self) -> int:
        return self.chosen.size_bytes - sum(self.here_bytes)


def plan_pull(name: str, aliases: Mapping[str, str] | None = None) -> PullPlan:
    """Asks the Hub what the repository holds, and chooses. Raises ModelError, or UsageError for what is no model."""
    wanted = parse_name(name, aliases)
    if wanted is None:
        raise _needs_no_pull(name)
    try:
        repository = list_repository(wanted.repo, wanted.revision)
        projectors = list_repository(wanted.projector_repo) if wanted.projector_repo else repository
    except HubUnreachable as error:
        found = find_installed(wanted)
        if found is None:
            raise
        return _plan(wanted.name, found.repository, found.projectors, found.chosen, error.sentence)
    except ModelNotFound as error:
        nearest = [f"vlm pull {known}" for known in nearest_names(wanted.repo.rpartition("/")[2])]
        raise ModelNotFound(error.sentence, "\n".join([*nearest, error.hint])) from None
    chosen = choose(
        repository,
        wanted,
        is_projector=lambda file: _looks_like_projector(repository if file in repository.files else projectors, file),
        projectors_of=projectors if wanted.projector_repo else None,
    )
    return _plan(wanted.name, repository, projectors, chosen)


def _plan(name: str, repository: Repository, projectors: Repository, chosen: Chosen, unasked: str = "") -> PullPlan:
    places = [*((Place(repository), file) for file in chosen.weights), (Place(projectors), chosen.projector)]
    here_bytes = tuple(place.here_bytes(file) for place, file in places)
    paths = tuple(place.path(file) for place, file in places)
    return PullPlan(name, repository, projectors, chosen, here_bytes, paths, unasked)


def fetch_files(plan: PullPlan) -> Iterator[PullEvent]:
    """Events of all files together, as of one pull; at its end the two headers are held against each other.

    Raises ModelError, OutputError.
    """
    if plan.unasked:
        pass
    elif plan.projectors is plan.repository:
        yield from pull(plan.repository, plan.chosen.files)
    else:
        yield Begun(plan.chosen.files, plan.here_bytes, plan.paths[0].parent)
        for repository, files in ((plan.repository, plan.chosen.weights), (plan.projectors, (plan.chosen.projector,))):
            yield from (event for event in pull(repository, files) if not isinstance(event, Begun))
    check_pair(plan.paths[0], plan.paths[-1])


def check_pair(decoder: Path, projector: Path) -> None:
    """Both files by their headers, once and for all. Raises ModelDamaged, ModelMismatch."""
    first, other = read_parts(read_header(decoder))[0], read_header(projector)
    check_roles(first, other)
    check_widths(first, other)
    check_vocabulary(first)


def _looks_like_projector(repository: Repository, file: RepoFile) -> bool | None:
    try:
        architecture = architecture_in(read_start(repository, file, _PEEKED_BYTES))
    except ModelError:
        return None
    return architecture in PROJECTOR_ARCHITECTURES if architecture else None


def architecture_in(start: bytes) -> str:
    """What the first bytes of a GGUF file call it (`llama`, `clip`); "" where they do not say."""
    key, text_type = b"general.architecture", 8
    at = start.find(key) + len(key)
    if not start.startswith(b"GGUF") or at < len(key) or start[at : at + 4] != text_type.to_bytes(4, "little"):
        return ""
    length = int.from_bytes(start[at + 4 : at + 12], "little")
    return start[at + 12 : at + 12 + length].decode("utf-8", "replace") if length < len(start) else ""


def _needs_no_pull(name: str) -> UsageError:
    if name == "demo":
        return UsageError("The model in the box is here already.", "vlm demo")
    hint = f"vlm pull hf:{name}" if name.count("/") == 1 and is_repo_id(name) else "vlm models"
    return UsageError(f"{name} is a path and not a name of a model at the Hub.", hint)
