"""From what the user typed to a pair of files and the family to speak to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from vlmcli.core import Family, ModelFiles
from vlmcli.errors import ModelMismatch, ModelNotChosen, ModelNotFound, TemplateError
from vlmcli.gguf import Header, read_header
from vlmcli.models.families import FAMILIES
from vlmcli.models.pairing import check_roles, check_widths, projectors_beside

_LLAVA_PROJECTORS = frozenset({"mlp", "mlp_norm", "ldp", "ldpv2"})
"""Projector types of the LLaVA line: a newline after the picture, trained on one picture at a time."""


def resolve_model(
    name: str | None,
    mmproj: str | Path | None = None,
    family: str | None = None,
    chat_template: str | Path | None = None,
) -> ModelFiles:
    """Files and family of a model. Raises ModelError (exit code 4) with the command to type."""
    if not name:
        raise ModelNotChosen(
            "No model was chosen.",
            "Try the small model in the box, which knows simple drawings: --model demo\n"
            "Use a model you have: --model MODEL.gguf --mmproj MMPROJ.gguf\n"
            "Choose one for every command: export VLM_MODEL=demo",
        )
    named = _family_named(family)
    if name == "demo" and mmproj:
        raise ModelMismatch("The model in the box brings its own projector.", "Say --model demo without --mmproj.")
    if name == "demo":
        return _demo(_with_template(named or FAMILIES["demo"], chat_template))
    decoder = _existing_file(name)
    header = read_header(decoder)
    projector = read_header(_projector_for(decoder, header, mmproj))
    check_roles(header, projector)
    check_widths(header, projector)
    known = named or _family_of(header, projector)
    return ModelFiles(decoder.stem, decoder, projector.path, _with_template(known, chat_template))


def _demo(family: Family) -> ModelFiles:
    from vlmcli import demo

    return ModelFiles("demo", demo.DECODER, demo.PROJECTOR, family)


def _family_named(name: str | None) -> Family | None:
    if name and name not in FAMILIES:
        raise TemplateError(f"There is no family {name!r}.", f"One of: {', '.join(FAMILIES)}")
    return FAMILIES[name] if name else None


def _existing_file(name: str) -> Path:
    path = Path(name).expanduser()
    if path.exists():
        return path
    if path.suffix.lower() == ".gguf" or "/" in name or "\\" in name:
        raise ModelNotFound(f"There is no file {name}.", "Check the path; --model demo needs no file.")
    raise ModelNotFound(
        f"There is no model named {name!r} here.",
        "The one in the box: --model demo\nOne you have: --model MODEL.gguf --mmproj MMPROJ.gguf",
    )


def _projector_for(decoder: Path, header: Header, mmproj: str | Path | None) -> Path:
    """The file named as --mmproj. It is never guessed: a projector of the right width may still be the wrong one."""
    if mmproj:
        return Path(mmproj).expanduser()
    if header.is_projector:
        raise ModelMismatch(f"{decoder} is a projector and not a model.", f"--model MODEL.gguf --mmproj {decoder}")
    beside = projectors_beside(decoder)
    commands = [f"--model {decoder} --mmproj {path}" for path in beside]
    raise ModelMismatch(
        f"{decoder.name} needs its projector to see pictures, and none was named.",
        "\n".join(commands) or f"--model {decoder} --mmproj MMPROJ.gguf (from the repository the model came from)",
    )


def _family_of(decoder: Header, projector: Header) -> Family:
    """A family for a pair that carries its own template; without one the engine asks for it by name."""
    is_llava = projector.projector_type in _LLAVA_PROJECTORS
    return Family(
        name="own template" if decoder.has_chat_template else "",
        several_pictures=not is_llava,
        separator="\n" if is_llava else "",
    )


def _with_template(family: Family, chat_template: str | Path | None) -> Family:
    if chat_template is None:
        return family
    try:
        source = Path(chat_template).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise TemplateError(f"The chat template {chat_template} cannot be read: {reason}.") from None
    return replace(family, chat_template=source)
