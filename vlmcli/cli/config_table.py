"""The table that `vlm config` prints: each setting, its value, and where that comes from."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from vlmcli.cli.settings import (
    Setting,
    all_settings,
    commands_with_settings,
    settings_of,
    settings_of_tasks,
)
from vlmcli.cli.settings_file import table_of, task_names
from vlmcli.config import ConfigFile


@dataclass(frozen=True, slots=True)
class Row:
    """A setting as the table shows it."""

    key: str
    value: str
    source: str
    is_default: bool = False


def rows_of(file: ConfigFile) -> list[Row]:
    """Settings of every command first, then what single commands have or have been given, then the user's tasks."""
    commands = commands_with_settings()
    asking = [command for command in commands if "max_tokens" in settings_of(command)]
    shared = [
        setting
        for name, setting in all_settings().items()
        if name in file.values or all(name in settings_of(command) for command in asking)
    ]
    names = {setting.name for setting in shared}
    rows = [_row(file, setting, (setting.name,)) for setting in shared]
    for command in commands:
        own = table_of(file, command)
        for name, setting in settings_of(command).items():
            if name in own or name not in names:
                rows.append(_row(file, setting, (command, name)))
    return [*rows, *_task_rows(file), *_alias_rows(file), *_engine_rows(file)]


def _task_rows(file: ConfigFile) -> Iterator[Row]:
    known = settings_of_tasks()
    for task in task_names(file):
        for name in table_of(file, task):
            yield _row(file, known[name], ("tasks", task, name), variable=name not in ("prompt", "help"))


def _alias_rows(file: ConfigFile) -> Iterator[Row]:
    for name, model in (file.values.get("aliases") or {}).items():
        line = file.line_of("aliases", name)
        yield Row(f"aliases.{name}", str(model), f"file, line {line}" if line else "file")


def _engine_rows(file: ConfigFile) -> Iterator[Row]:
    for name, table in (file.values.get("engines") or {}).items():
        for key, value in table.items():
            line = file.line_of("engines", name, key)
            shown = ", ".join(value) if key in ("headers", "urls") else str(value)  # of headers the names alone
            yield Row(f"engines.{name}.{key}", shown, f"file, line {line}" if line else "file")


def _row(file: ConfigFile, setting: Setting, keys: tuple[str, ...], variable: bool = True) -> Row:
    """The value that wins where no option is given."""
    key = ".".join(keys)
    if variable and os.environ.get(setting.variable):
        return Row(key, os.environ[setting.variable], f"env {setting.variable}")
    table: Any = file.values
    for part in keys[:-1]:
        table = table.get(part, {})
    if setting.name in table:
        line = file.line_of(*keys)
        return Row(key, _shown(table[setting.name]), f"file, line {line}" if line else "file")
    return Row(key, _shown(setting.default), "default", is_default=True)


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return str(value).lower() if isinstance(value, bool) else str(value)


def print_table(rows: list[Row], file: ConfigFile) -> None:
    """Aligned by spaces; on a terminal with a heading, and what nobody has set is dim."""
    from vlmcli.output import is_terminal, show_name

    looking = is_terminal(sys.stdout)
    dim, plain = ("\x1b[2m", "\x1b[0m") if looking and not os.environ.get("NO_COLOR") else ("", "")
    if looking:
        print(f"{show_name(str(file.path))}{'' if file.path.exists() else ' (not there yet)'}\n")
    keys = max(len(row.key) for row in rows)
    shown = [_fit(show_name(row.value)) if looking else show_name(row.value) for row in rows]
    values = max(map(len, shown))
    for row, value in zip(rows, shown, strict=True):
        line = f"{row.key:{keys}}  {value:{values}}  {row.source}"
        print(f"{dim}{line}{plain}" if row.is_default else line)


def _fit(value: str, most: int = 48) -> str:
    return value if len(value) <= most else f"{value[: most - 1]}…"
