"""Commands and groups whose help can be read, and typed from, on a terminal of any width."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from inspect import cleandoc
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup

if TYPE_CHECKING:
    from vlmcli.output.help_page import Entry, Section


class Command(TyperCommand):
    """A command of vlm."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        _print_help(self, ctx)


class Group(TyperGroup):
    """A command with commands of its own."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        _print_help(self, ctx)


def with_our_help(commands: typer.Typer) -> None:
    """All commands and groups below this one, in the place of typer's own."""
    for command in commands.registered_commands:
        if command.cls is TyperCommand:
            command.cls = Command
    for group in commands.registered_groups:
        group.cls = Group
        if group.typer_instance:
            with_our_help(group.typer_instance)


def _print_help(command: Any, ctx: Any) -> None:
    from vlmcli.output.help_page import print_help

    print_help(command.get_usage(ctx), cleandoc(command.help or ""), _sections(command, ctx), command.epilog or "")


def _sections(command: Any, ctx: Any) -> Iterator[Section]:
    """Arguments, options and commands under their titles; those without one come first."""
    parameters = [each for each in command.get_params(ctx) if not getattr(each, "hidden", False)]
    arguments = [each for each in parameters if isinstance(each, TyperArgument)]
    options = [each for each in parameters if not isinstance(each, TyperArgument)]
    yield from _titled("Arguments", ((each, _entry(each, ctx)) for each in arguments))
    yield from _titled("Options", ((each, _entry(each, ctx)) for each in options))
    if isinstance(command, TyperGroup):
        found = filter(None, (command.get_command(ctx, name) for name in command.list_commands(ctx)))
        yield from _titled("Commands", ((each, _entry_of_command(each)) for each in found if not each.hidden))


def _titled(usual: str, entries: Iterable[tuple[Any, Entry]]) -> Iterator[Section]:
    from vlmcli.output.help_page import Section

    sections: dict[str, list[Entry]] = {usual: []}
    for thing, entry in entries:
        sections.setdefault(getattr(thing, "rich_help_panel", None) or usual, []).append(entry)
    return (Section(title, tuple(found)) for title, found in sections.items() if found)


def _entry(parameter: Any, ctx: Any) -> Entry:
    from vlmcli.output.help_page import Entry

    words = parameter.help or ""
    names, text = parameter.get_help_record(ctx)
    return Entry(names, words, text.removeprefix(words).strip())


def _entry_of_command(command: Any) -> Entry:
    from vlmcli.output.help_page import Entry

    about = cleandoc(command.short_help or command.help or "").split("\n\n")[0]
    return Entry(command.name or "", " ".join(about.split()))
