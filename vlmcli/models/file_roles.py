"""What each file of a repository is for, by its name: weights, a projector, or neither.

Projectors were seen named mmproj-*, *-mmproj*, *.mmproj-*, *clip-model* and *-vision-F16.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from vlmcli.errors import ModelNotFound
from vlmcli.models.quantization import quant_in
from vlmcli.models.repository import RepoFile, Repository

IsProjector = Callable[[RepoFile], bool | None]
"""Looks into a file; None where it cannot tell."""

_PROJECTOR = re.compile(
    r"mm-?proj|(?<![a-z])(clip|vision|visual)[-_.](model|encoder|tower|adapter)|(?<![a-z])projector"
)
_PERHAPS_PROJECTOR = re.compile(r"(?<![a-z])(vision|visual|clip)([-_.](f16|bf16|f32|fp16|fp32))?\.gguf$")
"""`-vision-f16` is a projector beside a model, and a model's whole name where it stands alone."""
_EXTRA = re.compile(r"(?<![a-z])(mtp|draft|drafter|eagle3?|vocab|lora|adapter|control-?vector|tokenizer)(?![a-z])")
_IMATRIX = re.compile(r"(?<![a-z])imatrix(?![a-z])")
_ORIGINAL = (".safetensors", ".bin", ".pth", ".pt")
_MOST_LOOKS = 4
"""Files looked into over the network, small ones first: a projector is smaller than its model."""


def sort_files(
    repository: Repository, is_projector: IsProjector | None = None
) -> tuple[list[RepoFile], list[RepoFile]]:
    """The GGUF files that are weights, and those that are projectors. Raises ModelNotFound where there are none."""
    ggufs = [file for file in repository.files if file.name.lower().endswith(".gguf")]
    if not ggufs:
        raise _no_ggufs(repository)
    projectors = [file for file in ggufs if _PROJECTOR.search(file.name.lower())]
    rest = _without_extras([file for file in ggufs if file not in projectors])
    more = _open_ones(rest, bool(projectors), is_projector)
    return [file for file in rest if file not in more], [*projectors, *more]


def _without_extras(files: Sequence[RepoFile]) -> list[RepoFile]:
    """Without drafts, adapters, vocabularies and importance matrices; a repository of nothing else keeps them."""
    kept = []
    for file in files:
        name = file.name.lower().removesuffix(".gguf")
        matrix_alone = _IMATRIX.search(name) and not quant_in(name)  # x-imatrix-Q4_K_M is a model made with one
        if not matrix_alone and not _EXTRA.search(name):
            kept.append(file)
    return kept or list(files)


def _open_ones(files: Sequence[RepoFile], has_projector: bool, is_projector: IsProjector | None) -> list[RepoFile]:
    """Projectors among files whose names do not say so, when there is no other."""
    if has_projector or len(files) < 2:
        return []
    perhaps = [file for file in files if _PERHAPS_PROJECTOR.search(file.name.lower())]
    if is_projector is None:
        return perhaps if len(perhaps) < len(files) else []
    by_size = sorted(files, key=lambda file: (file not in perhaps, file.size_bytes))
    for file in by_size[:_MOST_LOOKS]:
        if is_projector(file):
            return [file]
    return []


def _no_ggufs(repository: Repository) -> ModelNotFound:
    name = re.sub(r"[-_.]gguf$", "", repository.id.rpartition("/")[2], flags=re.IGNORECASE)
    search = f"https://huggingface.co/models?library=gguf&search={name}"
    if any(file.name.lower().endswith(_ORIGINAL) for file in repository.files):
        return ModelNotFound(
            f"{repository.id} holds the original weights, and vlm runs GGUF files.",
            f"Search for a GGUF version: {search}",
        )
    return ModelNotFound(f"{repository.id} has no GGUF files.", f"Search for some: {search}")
