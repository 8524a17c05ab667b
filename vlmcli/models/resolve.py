"""From what the user typed to a pair of files and the family to speak to it.

What only models from the Hub need is imported when one is named: a question to the model in the box starts sooner.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vlmcli.core import Family, ModelFiles
from vlmcli.errors import ModelMismatch, ModelNotChosen, ModelNotFound, ModelNotHere, TemplateError
from vlmcli.gguf import Header, read_header, read_parts
from vlmcli.gguf.vocabulary import check_vocabulary
from vlmcli.models.pairing import check_roles, check_widths, pair_warnings, projectors_beside
from vlmcli.models.provenance import are_of_one_pull

if TYPE_CHECKING:
    from vlmcli.models.names import Wanted

"""Projector types of the LLaVA line: a newline after the picture, trained on one picture at a time."""

Aliases = Callable[[], Mapping[str, str]]


def resolve_model(
    name: str | None,
    mmproj: str | Path | None = None,
    family: str | None = None,
    chat_template: str | Path | None = None,
    aliases: Aliases = dict,
) -> ModelFiles:
    """Files and family of a model that is here. Without a name, the only one that is.

    `aliases` gives the user's own names, and is asked only where they can matter. Raises ModelError (exit code 4) with
    the command to type: ModelNotHere for one that can be pulled.
    """
    named = _family_named(family) if family else None
    name = name or _only_one()
    if name == "demo":
        return _demo(named, chat_template, mmproj)
    from vlmcli.models.names import expand_alias, parse_name

    typed = expand_alias(name, aliases())
    wanted = parse_name(typed)
    if typed == "demo":
        return _demo(named, chat_template, mmproj)
    files = _of_files(_existing_file(typed), mmproj) if wanted is None else _of_hub(wanted, mmproj)
    return replace(files, family=_with_template(named or files.family, chat_template))


def _of_files(decoder: Path, mmproj: str | Path | None) -> ModelFiles:
    """A pair that the user names. It may not belong together: equal widths prove nothing."""
    header = read_parts(read_header(decoder))[0]
    check_vocabulary(header)
    projector = read_header(_projector_for(decoder, header, mmproj))
    check_roles(header, projector)
    check_widths(header, projector)
    warnings = pair_warnings(header, projector, known_pair=are_of_one_pull(decoder, projector.path))
    return ModelFiles(decoder.stem, decoder, projector.path, _family_of(header, projector), warnings)


def _of_hub(wanted: Wanted, mmproj: str | Path | None) -> ModelFiles:
    """A pair that was chosen from one repository, or that the catalogue knows."""
    from vlmcli.models.families import FAMILIES
    from vlmcli.models.installed import find_installed

    if mmproj:
        raise ModelMismatch(f"{wanted.name} brings its own projector.", f"Say --model {wanted.name} without --mmproj.")
    found = find_installed(wanted)
    if found is None:
        raise ModelNotHere(f"{wanted.name} is not on this machine.", f"vlm pull {wanted.name}", wanted.name)
    header, projector = read_parts(read_header(found.weights[0]))[0], read_header(found.projector)
    check_roles(header, projector)
    check_widths(header, projector)
    family = FAMILIES[wanted.family] if wanted.family else _family_of(header, projector)
    return ModelFiles(wanted.name, found.weights[0], found.projector, family)


def _only_one() -> str:
    """The one model that is here. Raises ModelNotChosen where there is none, or a choice to make."""
    from vlmcli.models.installed import list_installed

    here = [found.name for found in list_installed()]
    if len(here) == 1:
        return here[0]
    if here:
        choices = "\n".join(f"vlm models default {name}" for name in here)
        raise ModelNotChosen("Several models are here, and none was chosen.", choices)
    raise ModelNotChosen(
        "No model was chosen, and none is here.",
        "Fetch the LLaVA that suits this machine: vlm pull llava\n"
        "Try the small model in the box, which knows simple drawings: --model demo\n"
        "Use a model you have: --model MODEL.gguf --mmproj MMPROJ.gguf",
    )


def find_model_named(name: str, aliases: Mapping[str, str]) -> tuple[str, bool]:
    """What a model is called in full, and whether it is here. Raises ModelNotFound, UsageError for what is no model."""
    from vlmcli.models.installed import find_installed
    from vlmcli.models.names import expand_alias, parse_name

    typed = expand_alias(name, aliases)
    wanted = parse_name(typed)
    if wanted is None:
        return typed if typed == "demo" else str(_existing_file(typed)), True
    return wanted.name, find_installed(wanted) is not None


def _demo(family: Family | None, chat_template: str | Path | None, mmproj: str | Path | None) -> ModelFiles:
    from vlmcli import demo
    from vlmcli.models.families.demo import DEMO

    if mmproj:
        raise ModelMismatch("The model in the box brings its own projector.", "Say --model demo without --mmproj.")
    return ModelFiles("demo", demo.DECODER, demo.PROJECTOR, _with_template(family or DEMO, chat_template))


def _family_named(name: str) -> Family:
    """As the user names it, over whatever the model's file says."""
    from vlmcli.models.families import FAMILIES

    if name not in FAMILIES:
        raise TemplateError(f"There is no family {name!r}.", f"One of: {', '.join(FAMILIES)}")
    return replace(FAMILIES[name], own_template_first=False)


def _existing_file(name: str) -> Path:
    path = _path(name)
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise ModelNotFound(f"There is no file {name}.", "Check the path; models with a name: vlm models") from None
    except OSError as error:
        raise ModelNotFound(
            f"{name} cannot be read: {error.strerror or error}.", "Check the path, and who may read there."
        ) from None
    return path


def _path(name: str | Path) -> Path:
    """A home that nobody has (`~nobody/x.gguf`) is a folder of that name."""
    return Path(os.path.expanduser(name))


def _projector_for(decoder: Path, header: Header, mmproj: str | Path | None) -> Path:
    """The file named as --mmproj. It is never guessed: a projector of the right width may still be the wrong one."""
    if mmproj:
        return _path(mmproj)
    if header.is_projector:
        raise ModelMismatch(f"{decoder} is a projector and not a model.", f"--model MODEL.gguf --mmproj {decoder}")
    beside = projectors_beside(decoder)
    commands = [f"--model {decoder} --mmproj {path}" for path in beside]
    raise ModelMismatch(
        f"{decoder.name} needs its projector to see pictures, and none was named.",
        "\n".join(commands) or f"--model {decoder} --mmproj MMPROJ.gguf (from the repository the model came from)",
    )


def _family_of(decoder: Header, projector: Header) -> Family:
    """By the headers alone. Without a template in the file the engine asks for a family by name, never guesses one."""
    from vlmcli.models.families import family_for

    if known := family_for(decoder, projector):
        return known
    return Family(
        name="own template" if decoder.has_chat_template else "",
        several_pictures=not projector.is_llava,
        separator="\n" if projector.is_llava else "",
    )


def _with_template(family: Family, chat_template: str | Path | None) -> Family:
    if chat_template is None:
        return family
    try:
        source = _path(chat_template).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise TemplateError(f"The chat template {chat_template} cannot be read: {reason}.") from None
    return replace(family, chat_template=source, own_template_first=False)
