"""Completion of `vlm config set` and `unset`: keys of the settings file, and what may stand there."""

from __future__ import annotations

import typer

from vlmcli.cli.completion_values import COMPLETIONS
from vlmcli.cli.settings import all_settings, commands_with_settings, settings_of, settings_of_tasks
from vlmcli.config import quietly_read


def settable_keys(incomplete: str) -> list[tuple[str, str]]:
    """Keys of `vlm config set`: `model`, and once a table is begun, `describe.style`."""
    from vlmcli.cli.settings_file import task_names

    tables = {command: settings_of(command) for command in commands_with_settings()}
    tables |= {f"tasks.{name}": settings_of_tasks() for name in task_names(quietly_read())}
    found = {f"{table}.{name}": s.help for table, known in tables.items() for name, s in known.items()}
    if "." not in incomplete:
        found = {name: setting.help for name, setting in all_settings().items()} | dict.fromkeys(
            (f"{table}." for table in tables), "one command only"
        )
    return [(key, help) for key, help in found.items() if key.startswith(incomplete)]


def set_keys(incomplete: str) -> list[str]:
    """Keys of `vlm config unset`: what the file says now."""
    found: list[str] = []

    def walk(prefix: str, table: object) -> None:
        for key, value in table.items() if isinstance(table, dict) else ():
            found.append(prefix + key)
            walk(f"{prefix}{key}.", value)

    walk("", dict(quietly_read().values))
    return [key for key in found if key.startswith(incomplete)]


def setting_values(context: typer.Context, incomplete: str) -> list[str]:
    """What the key that was typed before may be."""
    *table, name = str(context.params.get("key") or "").split(".")
    known = settings_of(table[0]) if len(table) == 1 else all_settings()
    if name in COMPLETIONS:
        return COMPLETIONS[name](incomplete)
    if name not in known:
        return []
    choices = ("true", "false") if known[name].kind is bool else known[name].choices
    return [choice for choice in choices if choice.startswith(incomplete)]
