"""Do a decoder and a projector belong together? Read from their headers, before anything is loaded."""

from __future__ import annotations

from pathlib import Path

from vlmcli.errors import ModelMismatch
from vlmcli.gguf import Header


def check_roles(decoder: Header, projector: Header) -> None:
    """Raises ModelMismatch when the files are not what they were named as."""
    if decoder.is_projector and not projector.is_projector:
        raise ModelMismatch(
            f"{decoder.path} is a projector and {projector.path} is the model: they are the wrong way round.",
            f"--model {projector.path} --mmproj {decoder.path}",
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
    """Raises ModelMismatch when rows of the projector cannot go into the decoder. Equal widths prove nothing."""
    if projector.width and decoder.width and projector.width != decoder.width:
        raise ModelMismatch(
            f"{decoder.path.name} takes rows of {decoder.width} numbers and {projector.path.name} gives"
            f" {projector.width}: they are not of one model.",
            "Take both files from the same repository.",
        )


def projectors_beside(decoder: Path) -> list[Path]:
    """Files in the decoder's folder that are named like projectors."""
    return sorted(path for path in decoder.parent.glob("*.gguf") if "mmproj" in path.name.lower() and path != decoder)
