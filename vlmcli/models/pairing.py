"""Do a decoder and a projector belong together? Read from their headers, before anything is loaded.

Two of different width never do. Two of equal width may: vicuna-7B, mistral-7B and llama-3-8B all take rows of 4096
numbers, and the wrong projector answers fluently and falsely. So there only their origin decides.
"""

from __future__ import annotations

import re
from pathlib import Path
from shlex import quote

from vlmcli.errors import ModelMismatch, VlmError
from vlmcli.gguf import Header, read_header
from vlmcli.models.quantization import model_in, read_name

_LIKE_A_PROJECTOR = re.compile(r"mm-?proj|projector|(?<![a-z])(clip|vision|visual)(?![a-z])")
_ROLE_WORDS = re.compile(r"(?<![a-z])(mm-?proj|projector|clip|vision|visual|encoder|model|ggml|gguf)(?![a-z0-9])")
_SAYS_NOTHING = frozenset({"", "model", "llava", "llama", "mmproj", "clip", "hf", "checkpoint"})
"""Names of models that were given to many."""


def check_roles(decoder: Header, projector: Header) -> None:
    """Raises ModelMismatch when the files are not what they were named as."""
    if decoder.is_projector and not projector.is_projector:
        raise ModelMismatch(
            f"{decoder.path} is a projector and {projector.path} is the model: they are the wrong way round.",
            _command(projector.path, decoder.path),
        )
    if decoder.is_projector:
        raise ModelMismatch(f"{decoder.path} is a projector and not a model.", "Name the model's own file as --model.")
    if not projector.is_projector:
        raise ModelMismatch(
            f"{projector.path} is not a projector: it is a model of the kind {projector.architecture or 'unknown'}.",
            "Name the model's mmproj file as --mmproj.",
        )
    if not projector.has_vision:
        raise ModelMismatch(
            f"{projector.path} has no vision part, so it cannot look at pictures.",
            "Name the mmproj file of a vision-language model.",
        )


def check_widths(decoder: Header, projector: Header) -> None:
    """Raises ModelMismatch when rows of the projector cannot go into the decoder. Equal widths prove nothing.

    The hint names a projector beside the decoder whose rows can.
    """
    if projector.width and decoder.width and projector.width != decoder.width:
        fitting = [path for path in projectors_beside(decoder.path) if _fits(decoder, path)]
        raise ModelMismatch(
            f"{decoder.path.name} takes rows of {decoder.width} numbers and {projector.path.name} gives"
            f" {projector.width}: they are not of one model.",
            "\n".join(_command(decoder.path, path) for path in fitting) or "Take both files from the same repository.",
        )


def pair_warnings(decoder: Header, projector: Header, known_pair: bool) -> tuple[str, ...]:
    """What is to be said of a pair that passed `check_widths`: one warning where nothing shows that it is one.

    `known_pair`: both are from the same revision of a repository, or from the catalogue. Without that, names are
    taken as a sign: whoever converts a model writes its name into both headers, or into both file names. A folder
    alone is none: models are kept side by side, and `mmproj-model-f16.gguf` is in many repositories.
    """
    if known_pair or _same_name_inside(decoder, projector) or _same_file_name(decoder.path, projector.path):
        return ()
    fit = f"both are {decoder.width} wide, as those of many models are" if projector.width else "its width is not known"
    return (
        f"Nothing shows that {projector.path.name} belongs to {decoder.path.name} ({fit}):"
        " if answers have nothing to do with the picture, take both files from the same repository.",
    )


def projectors_beside(decoder: Path) -> list[Path]:
    """Files in the decoder's folder that are named like projectors."""
    return sorted(
        path
        for path in decoder.parent.glob("*.gguf")
        if _LIKE_A_PROJECTOR.search(path.name.lower()) and path != decoder
    )


def _fits(decoder: Header, path: Path) -> bool:
    try:
        found = read_header(path)
    except VlmError:
        return False
    return found.is_projector and found.has_vision and found.width == decoder.width


def _same_name_inside(decoder: Header, projector: Header) -> bool:
    names = [re.sub(r"[^a-z0-9]", "", header.text("general.name").lower()) for header in (decoder, projector)]
    return names[0] == names[1] and names[0] not in _SAYS_NOTHING


def _same_file_name(decoder: Path, projector: Path) -> bool:
    """`llava-1.5-7b.Q4_K.gguf` and `mmproj-llava-1.5-7b-f16.gguf`, in one folder."""
    names = [model_in(_ROLE_WORDS.sub("", read_name(path.name).stem.lower())) for path in (decoder, projector)]
    return decoder.parent == projector.parent and names[0] == names[1] and names[0] not in _SAYS_NOTHING


def _command(decoder: Path, projector: Path) -> str:
    return f"--model {quote(str(decoder))} --mmproj {quote(str(projector))}"
