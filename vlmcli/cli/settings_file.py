"""What the settings file says to a command, and a sentence for what in it means nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from vlmcli.cli.names import NAMES
from vlmcli.cli.options import MODEL_PARTS
from vlmcli.cli.settings import (
    Setting,
    Value,
    all_settings,
    commands_with_settings,
    is_shared,
    settings_of,
    settings_of_tasks,
)
from vlmcli.config import LOCAL, RAY, ConfigFile
from vlmcli.errors import UsageError

_TASK_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*\Z", re.IGNORECASE)


def defaults(file: ConfigFile, command: str) -> dict[str, Value]:
    """What the file says for a command: its own table over the top level. Of a user's task: its table over that."""
    known = settings_of_tasks() if command not in commands_with_settings() else settings_of(command)
    shared = {name for name, setting in known.items() if is_shared(setting)}
    top = {name: value for name, value in file.values.items() if name in shared and not isinstance(value, dict)}
    own = table_of(file, command)
    if "model" in own:
        top = {name: value for name, value in top.items() if name not in MODEL_PARTS}
    return {**top, **{name: value for name, value in own.items() if name in known and name != "help"}}


def is_task(file: ConfigFile, name: str) -> bool:
    """Whether the file speaks of a task of this name, be it right or wrong."""
    return name in (file.values.get("tasks") or ())


def table_of(file: ConfigFile, command: str) -> Mapping[str, Any]:
    tables = file.values if command in commands_with_settings() else file.values.get("tasks", {})
    table = tables.get(command, {}) if isinstance(tables, dict) else {}
    return table if isinstance(table, dict) else {}


def task_names(file: ConfigFile) -> list[str]:
    """The user's own tasks, as far as they can be run."""
    tasks = file.values.get("tasks", {})
    tables = tasks.items() if isinstance(tasks, dict) else ()
    return [name for name, table in tables if isinstance(table, dict) and isinstance(table.get("prompt"), str)]


def check(file: ConfigFile) -> None:
    """Raises UsageError, with file, key and line, for the first thing in the file that means nothing."""
    known = all_settings()
    for name, value in file.values.items():
        if name == "tasks":
            _check_tasks(file, value)
        elif name == "aliases":
            _check_aliases(file, value)
        elif name == "engines":
            _check_engines(file, value)
        elif name in commands_with_settings():
            _check_table(file, (name,), value, settings_of(name))
        else:
            _check_value(
                file, (name,), value, known, [*known, *commands_with_settings(), "tasks", "aliases", "engines"]
            )


def _check_tasks(file: ConfigFile, tasks: Any) -> None:
    if not isinstance(tasks, dict):
        raise _complaint(file, ("tasks",), "tasks is not a table.", _TASK_EXAMPLE)
    for name, table in tasks.items():
        keys = ("tasks", name)
        if name in NAMES:
            hint = f"Give it another name; to change {name} itself: [{name}]"
            raise _complaint(file, keys, f"a task cannot be called {name}: vlm has a command of that name.", hint)
        if not _TASK_NAME.match(name):
            raise _complaint(file, keys, f"a task cannot be called {name!r}: a name is letters, digits, - and _.")
        _check_table(file, keys, table, settings_of_tasks())
        if not str(table.get("prompt", "")).strip():
            raise _complaint(file, keys, f"the task {name} has no prompt.", f'prompt = "…" below [tasks.{name}]')


def _check_aliases(file: ConfigFile, aliases: Any) -> None:
    if not isinstance(aliases, dict):
        raise _complaint(file, ("aliases",), "aliases is not a table.", "vlm models alias NAME MODEL")
    for name, model in aliases.items():
        if not isinstance(model, str) or not model:
            raise _complaint(
                file, ("aliases", name), f"the alias {name} does not name a model.", f"vlm models alias {name} MODEL"
            )


def _check_engines(file: ConfigFile, engines: Any) -> None:
    from vlmcli.engine.server.settings import read_table

    if not isinstance(engines, dict):
        raise _complaint(file, ("engines",), "engines is not a table.", "[engines.NAME] on a line of its own")
    for name, table in engines.items():
        if name in (LOCAL, RAY) or not _TASK_NAME.match(name):
            raise _complaint(file, ("engines", name), f"an engine cannot be called {name!r}.", "Give it another name.")
        try:
            read_table(name, table)
        except UsageError as error:
            raise _complaint(file, ("engines", name), error.sentence, error.hint) from None


def _check_table(file: ConfigFile, keys: tuple[str, ...], table: Any, known: Mapping[str, Setting]) -> None:
    if not isinstance(table, dict):
        raise _complaint(file, keys, f"{'.'.join(keys)} is not a table.", f"[{'.'.join(keys)}] on a line of its own")
    for name, value in table.items():
        _check_value(file, (*keys, name), value, known, list(known))


def _check_value(
    file: ConfigFile, keys: tuple[str, ...], value: Any, known: Mapping[str, Setting], names: list[str]
) -> None:
    *table, name = keys
    if name not in known:
        where = f" in [{'.'.join(table)}]" if table else ""
        raise _complaint(file, keys, f"there is no setting {name!r}{where}.", _likely(name, names))
    if not known[name].accepts(value):
        shown = {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
        raise _complaint(file, keys, f"{name} is {known[name].wanted}, and not {shown}.", "vlm config edit")


_TASK_EXAMPLE = '[tasks.product] on a line of its own, and below it: prompt = "…"'


def _likely(name: str, names: list[str]) -> str:
    from difflib import get_close_matches

    match = get_close_matches(name, names, n=1)
    return f"Did you mean {match[0]}?" if match else "vlm config shows all there are."


def _complaint(file: ConfigFile, keys: tuple[str, ...], sentence: str, hint: str = "vlm config edit") -> UsageError:
    return UsageError(f"{file.where(*keys)}: {sentence}", hint)
