"""Which projector of a repository belongs to the chosen weights."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from shlex import quote

from vlmcli.errors import ModelAmbiguous
from vlmcli.models.quantization import model_in, read_name
from vlmcli.models.repository import RepoFile

_BY_CHOICE = ("F16", "BF16", "", "Q8_0", "F32")
"""f16 is what the others were made from, and none of them is quicker in llama.cpp's encoder; f32 is twice the size."""

_ROLE_WORDS = re.compile(r"(?<![a-z])(mm-?proj|projector|clip|vision|visual|encoder|model|ggml|gguf)(?![a-z0-9])")
_DATE = re.compile(r"(?<!\d)20\d{6}(?!\d)")


def choose_projector(files: Sequence[RepoFile], weights: RepoFile, pattern: str, of_one_model: bool) -> RepoFile:
    """One of `files`, for the first file of the weights. `of_one_model`: the repository has no other model.

    Raises ModelAmbiguous where they are of several models and none is named like the weights.
    """
    fitting = [file for file in files if fnmatchcase(file.name.lower(), pattern.lower())] or list(files)
    nearby = _nearby(fitting, weights)
    of_model = _of_model(nearby, weights, of_one_model)
    best = min(map(_rank, of_model), default=0)
    found = [file for file in of_model if _rank(file) == best]
    if len(found) == 1:
        return found[0]
    names = "\n".join(f"--model {quote(weights.name)} --mmproj {quote(file.name)}" for file in found or nearby)
    raise ModelAmbiguous(
        f"There are projectors beside {weights.name}, and none is named like it.",
        f"Fetch both files yourself and name them, one of:\n{names}",
    )


def _rank(file: RepoFile) -> int:
    quant = read_name(file.path).quant
    return _BY_CHOICE.index(quant) if quant in _BY_CHOICE else len(_BY_CHOICE)


def _nearby(files: Sequence[RepoFile], weights: RepoFile) -> list[RepoFile]:
    """Those in the folder of the weights, where there are any."""
    folder = weights.path.rpartition("/")[0]
    return [file for file in files if file.path.rpartition("/")[0] == folder] or list(files)


def _of_model(files: Sequence[RepoFile], weights: RepoFile, of_one_model: bool) -> list[RepoFile]:
    """Those named like the weights; or else those that name no model; or else, if there is one model only, all."""
    model = _model_of(weights)
    named = {file: _model_of(file) for file in files}
    part = [file for file, name in named.items() if name and model and (name in model or model in name)]
    closest = [file for file in part if len(named[file]) == max(len(named[file]) for file in part)]
    alike = [file for file in part if named[file] == model]
    unnamed = [file for file, name in named.items() if not name]
    alone = list(files) if of_one_model and len(set(named.values())) == 1 else []
    return alike or closest or unnamed or alone


def _model_of(file: RepoFile) -> str:
    """`mmproj-vicuna7b-f16` and `vicuna-7b-q5_k` -> `vicuna7b`; `mmproj-model-f16` -> nothing"""
    stem = read_name(file.path).stem.lower()
    return model_in(_DATE.sub("", _ROLE_WORDS.sub("", stem)))
