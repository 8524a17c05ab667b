"""One key of the settings file set or taken out, by whatever command; its comments and order stay."""

from __future__ import annotations

import os
from collections.abc import Callable

from vlmcli.config import ConfigFile, read_config_to_change, write_config
from vlmcli.errors import UsageError
from vlmcli.output import show_name
from vlmcli.output.streams import say
from vlmcli.toml_text import NotByLine, literal, with_value, without_value

Check = Callable[[ConfigFile], None]


def set_key(keys: tuple[str, ...], value: str | int | float | bool, check: Check | None = None) -> None:
    """Write it, and say so. `check` is shown the file as it would be, and raises if that will not be understood."""
    import tomllib

    file = read_config_to_change()
    try:
        text = with_value(file.text, keys, value)
    except NotByLine:
        raise _not_by_line(file, keys) from None
    if check:
        check(ConfigFile(file.path, text, tomllib.loads(text)))
    write_config(file.path, text)
    say(f"{'.'.join(keys)} = {show_name(literal(value))}  ({show_name(str(file.path))})")


def unset_key(keys: tuple[str, ...]) -> None:
    """Raises UsageError for one that stands where it cannot be taken out by the line."""
    file = read_config_to_change()
    try:
        text = without_value(file.text, keys)
    except NotByLine:
        raise _not_by_line(file, keys) from None
    write_config(file.path, text)


def from_anywhere(name: str) -> str:
    """A model's name; of a file that is there its whole path, which means the same in every folder."""
    path = os.path.expanduser(name)
    return os.path.abspath(path) if os.path.isfile(path) else name


def _not_by_line(file: ConfigFile, keys: tuple[str, ...]) -> UsageError:
    return UsageError(f"{'.'.join(keys)} cannot be changed without rewriting more of {file.path}.", "vlm config edit")
