"""`vlm config`: what is set and where, and changing the settings file."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from vlmcli.cli.config_keys import set_keys, settable_keys, setting_values
from vlmcli.cli.settings import Value, all_settings, setting_for
from vlmcli.config import ConfigFile, config_path, read_config, read_config_to_change, write_config
from vlmcli.errors import UsageError

config = typer.Typer(
    help="Show settings and where each comes from; change them.",
    epilog=(
        "An option on the command line wins over its variable (VLM_MODEL for --model, and so on), that over the"
        " command's table in the settings file (\\[describe]), that over the file's top level.\n\n"
        "Examples:\n\nvlm config set model demo\n\nvlm config set describe.style caption\n\n"
        'vlm config set tasks.product.prompt "Write a product text for this picture."\n\nvlm product shoe.jpg'
    ),
    rich_markup_mode="rich",
)

_STARTER = """\
# Settings of vlm. `vlm config` shows all there are.
# model = "demo"
#
# [describe]
# style = "caption"
#
# [tasks.product]
# prompt = "Write a product text for this picture."
"""


@config.callback(invoke_without_command=True)
def show(context: typer.Context) -> None:
    """Show settings and where each comes from; change them."""
    if context.invoked_subcommand is not None:
        return
    from vlmcli.cli.config_table import print_table, rows_of

    file = _checked()
    print_table(rows_of(file), file)


@config.command("set")
def set_(
    key: Annotated[
        str,
        typer.Argument(metavar="KEY", help="model, describe.style, tasks.NAME.prompt, …", autocompletion=settable_keys),
    ],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="What to set it to.", autocompletion=setting_values)],
) -> int:
    """Set one key in the settings file; its comments and order stay."""
    from vlmcli.cli.config_change import set_key
    from vlmcli.cli.settings_file import check
    from vlmcli.output.streams import say

    keys = tuple(key.split("."))
    set_key(keys, _parsed(keys, value), check)
    variable = f"VLM_{keys[-1].upper()}"
    if os.environ.get(variable) and keys[-1] in all_settings():
        say(f"vlm: {variable} is set in the environment and wins over it")
    return 0


@config.command()
def unset(
    key: Annotated[
        str,
        typer.Argument(metavar="KEY", help="A key that is set; tasks.NAME for a whole task.", autocompletion=set_keys),
    ],
) -> int:
    """Take one key out of the settings file."""
    from vlmcli.cli.config_change import unset_key
    from vlmcli.toml_text import line_of

    file = read_config_to_change()
    keys = tuple(key.split("."))
    if not _is_set(file.values, keys) or line_of(file.text, keys) is None:
        raise UsageError(f"{key} is not set in {file.path}.", "vlm config")
    unset_key(keys)
    return 0


@config.command()
def edit() -> int:
    """Open the settings file in $VISUAL or $EDITOR."""
    import subprocess

    path = config_path()
    if not path.exists():
        write_config(path, _STARTER)
    command = _editor()
    try:
        code = subprocess.run([*command, str(path)], check=False).returncode
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"The editor {command[0]} does not start: {reason}.", "export EDITOR=nano") from None
    if code:
        raise UsageError(f"The editor {command[0]} ended with exit code {code}.")
    _checked()
    return 0


@config.command()
def path() -> int:
    """Print where the settings file is, or would be."""
    print(config_path())
    return 0


def _checked() -> ConfigFile:
    from vlmcli.cli.settings_file import check

    file = read_config()
    check(file)
    return file


def _parsed(keys: tuple[str, ...], value: str) -> Value:
    """`value` as its key wants it. A model that is a file here is one from anywhere."""
    from vlmcli.cli.config_change import from_anywhere
    from vlmcli.cli.models_names import check_alias

    setting, is_alias = setting_for(keys), keys[0] == "aliases"
    is_file = is_alias or setting.name in ("model", "mmproj", "chat_template")
    parsed = setting.parse(from_anywhere(value) if is_file else value)
    if is_alias:
        check_alias(keys[1], str(parsed))
    return parsed


def _is_set(values: Any, keys: tuple[str, ...]) -> bool:
    for key in keys:
        if not isinstance(values, dict) or key not in values:
            return False
        values = values[key]
    return True


def _editor() -> list[str]:
    import shlex
    import shutil

    named = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if named:
        return shlex.split(named, posix=os.name != "nt")
    for name in ("notepad",) if os.name == "nt" else ("nano", "vi"):
        if shutil.which(name):
            return [name]
    raise UsageError("There is no editor.", "export EDITOR=nano")
