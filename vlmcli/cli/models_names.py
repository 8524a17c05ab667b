"""`vlm models default` and `vlm models alias`: two keys of the settings file by a shorter way."""

from __future__ import annotations

import os
import re
import sys

from vlmcli.config import ConfigFile, read_aliases, read_config, write_config
from vlmcli.errors import UsageError
from vlmcli.models import find_model_named
from vlmcli.models.names import is_known_name
from vlmcli.output import show_name
from vlmcli.output.streams import say
from vlmcli.output.table import Column, print_rows
from vlmcli.toml_text import NotByLine, with_value, without_value

_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


def set_default(model: str) -> int:
    """Write `model = …` at the top of the settings file."""
    if os.path.isfile(os.path.expanduser(model)):
        model = os.path.abspath(os.path.expanduser(model))
    name, is_here = find_model_named(model, read_aliases())
    _write(("model",), name)
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
    """Raises UsageError for a name that means something already, ModelError for a model that means nothing."""
    if not _ALIAS.match(name) or name.lower().endswith(".gguf"):
        raise UsageError(f"{name!r} cannot be a name: it is letters, digits, dots, - and _.", "vlm models alias --help")
    if is_known_name(name):
        raise UsageError(f"{name} is a model's name already.", "vlm models")
    if os.path.isfile(os.path.expanduser(model)):
        model = os.path.abspath(os.path.expanduser(model))
    aliases = {known: target for known, target in read_aliases().items() if known != name}
    find_model_named(model, aliases)
    _write(("aliases", name), model)
    say(f"{name} is {show_name(model)}.")
    return 0


def forget_alias(name: str) -> int:
    if name not in read_aliases():
        raise UsageError(f"There is no alias {name!r}.", "vlm models alias")
    _write(("aliases", name), None)
    return 0


def _write(keys: tuple[str, ...], value: str | None) -> None:
    file = read_config()
    try:
        text = without_value(file.text, keys) if value is None else with_value(file.text, keys, value)
    except NotByLine:
        raise _not_by_line(file, keys) from None
    write_config(file.path, text)
    if value is not None:
        print(f"{'.'.join(keys)} = {show_name(value)}  ({show_name(str(file.path))})", file=sys.stderr)


def _not_by_line(file: ConfigFile, keys: tuple[str, ...]) -> UsageError:
    return UsageError(f"{'.'.join(keys)} cannot be changed without rewriting more of {file.path}.", "vlm config edit")
