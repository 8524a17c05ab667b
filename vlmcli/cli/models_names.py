"""`vlm models default` and `vlm models alias`: two keys of the settings file by a shorter way."""

from __future__ import annotations

import os
import re

from vlmcli.cli.config_change import from_anywhere, set_key, unset_key
from vlmcli.config import aliases_in, read_aliases, read_config_to_change
from vlmcli.errors import UsageError
from vlmcli.models import find_model_named
from vlmcli.models.names import is_known_name
from vlmcli.output import show_name
from vlmcli.output.streams import say
from vlmcli.output.table import Column, print_rows

_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


def set_default(model: str) -> int:
    """Write `model = …` at the top of the settings file."""
    model = from_anywhere(model)
    name, is_here = find_model_named(model, aliases_in(read_config_to_change()))
    set_key(("model",), name)
    say(f"{show_name(name)} is the model wherever none is named.")
    if not is_here:
        say(f"vlm: it is not here yet\n  vlm pull {show_name(name)}")
    if os.environ.get("VLM_MODEL"):
        say("vlm: VLM_MODEL is set in the environment and wins over it")
    return 0


def print_aliases() -> int:
    print_rows([Column("name"), Column("model")], [[name, model] for name, model in sorted(read_aliases().items())])
    return 0


def set_alias(name: str, model: str) -> int:
    """Raises as `check_alias`."""
    model = from_anywhere(model)
    check_alias(name, model)
    set_key(("aliases", name), model)
    say(f"{name} is {show_name(model)}.")
    return 0


def check_alias(name: str, model: str) -> None:
    """Raises UsageError for a name that means something already or would mean itself, ModelError for a model that
    means nothing."""
    if not _ALIAS.match(name) or name.lower().endswith(".gguf"):
        raise UsageError(f"{name!r} cannot be a name: it is letters, digits, dots, - and _.", "vlm models alias --help")
    if is_known_name(name):
        raise UsageError(f"{name} is a model's name already.", "vlm models")
    find_model_named(name, {**aliases_in(read_config_to_change()), name: model})


def forget_alias(name: str) -> int:
    if name not in aliases_in(read_config_to_change()):
        raise UsageError(f"There is no alias {name!r}.", "vlm models alias")
    unset_key(("aliases", name))
    return 0
