"""vlm(1) in roff, from the texts that `--help` shows. Man pages have no room for what the README says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer

from vlmcli import __version__
from vlmcli.cli.completion_values import without_markup
from vlmcli.cli.settings import all_settings, commands_with_settings

_VARIABLES = (
    ("VLM_CONFIG", "Another settings file."),
    (
        "VLM_EXTRA_BUFFERS",
        "on, repack, off or auto: how weights are laid in memory for the processor; auto: as was tried.",
    ),
    ("NO_COLOR, FORCE_COLOR, TERM=dumb", "Honoured as everywhere."),
    ("VISUAL, EDITOR", "What vlm config edit opens."),
)


def manual() -> str:
    """The whole page."""
    from vlmcli.cli.app import command_line

    root: Any = typer.main.get_command(command_line())
    tasks = [root.commands[name] for name in commands_with_settings()]
    shared = frozenset.intersection(*(frozenset(map(_names, task.params)) for task in tasks))
    lines = [*_head(root), ".SH COMMANDS"]
    for name, command in root.commands.items():
        lines += _command(f"vlm {name}", command, without=shared if command in tasks else frozenset())
    lines += [".SH OPTIONS OF EVERY TASK", *_options(tasks[0], only=shared)]
    lines += [".SH OPTIONS OF VLM ITSELF", *_options(root), *_settings(), *_exit_codes(root)]
    lines += [".SH SEE ALSO", r"\fBllama\-mtmd\-cli\fR(1), \fBhf\fR(1)"]
    return "\n".join(lines) + "\n"


def _head(root: Any) -> Iterator[str]:
    yield r".\" Made by completions/generate.py from the help texts: do not edit."
    yield f'.TH VLM 1 "" "vlm {__version__}" "User Commands"'
    yield from (".SH NAME", rf"vlm \- {_text(root.help[:1].lower() + root.help[1:].rstrip('.'))}")
    yield from (".SH SYNOPSIS", r".B vlm", r"\fICOMMAND\fR [\fIOPTIONS\fR] [\fIARGUMENTS\fR]")
    yield ".SH DESCRIPTION"
    yield from _paragraphs(
        f"{root.help} The answer goes to standard output and everything else to standard error.\n\n"
        "Your own tasks, from the settings file, are commands too: see vlm config."
    )


Names = tuple[str, ...]


def _names(parameter: Any) -> Names:
    return (*parameter.opts, *parameter.secondary_opts)


def _command(
    title: str, command: Any, subtitle: bool = False, without: frozenset[Names] = frozenset()
) -> Iterator[str]:
    """A command with its arguments, options and examples; of a group, its commands behind it."""
    context = typer.Context(command, info_name=title)
    pieces = " ".join(command.collect_usage_pieces(context))
    if subtitle:
        yield from (".TP", rf"\fB{_text(title)}\fR {_text(pieces)}")
    else:
        yield f".SS {_text(title)} {_text(pieces)}"
    yield from _paragraphs(command.help or "", between=".IP" if subtitle else ".PP")
    if not subtitle:
        yield from _options(command, without)
        yield from _examples(command.epilog or "")
    for name, child in getattr(command, "commands", {}).items():
        yield from _command(f"{title} {name}", child, subtitle=True)


def _options(
    command: Any, without: frozenset[Names] = frozenset(), only: frozenset[Names] = frozenset()
) -> Iterator[str]:
    """Options with what they take and what they do. `--help` is every command's, and told of once, for vlm itself."""
    for parameter in command.params:
        own = _names(parameter)
        if parameter.param_type_name != "option" or parameter.hidden or own in without or (only and own not in only):
            continue
        names = ", ".join(rf"\fB{_text(name)}\fR" for name in own)
        value = "" if parameter.is_flag else rf" \fI{_text(_value_of(parameter))}\fR"
        yield from (".TP", names + value, _text(without_markup(parameter.help or "")))


def _value_of(parameter: Any) -> str:
    """What stands behind an option: its choices, its metavar, or its name."""
    choices = parameter.type_descriptor.choices
    return "|".join(map(str, choices or ())) or str(parameter.metavar or parameter.name).upper().replace("_", "-")


def _examples(epilog: str) -> Iterator[str]:
    """The lines below `Examples:`, as they are typed."""
    lines = [without_markup(line) for line in epilog.partition("Examples:")[2].split("\n\n")]
    shown = [line for line in lines if line and not line.startswith("Exit codes:")]
    if shown:
        yield from (".PP", "Examples:", ".PP", ".RS 4", ".nf", *map(_text, shown), ".fi", ".RE")


def _settings() -> Iterator[str]:
    yield ".SH ENVIRONMENT"
    yield ".TP"
    yield ", ".join(rf"\fB{_text(setting.variable)}\fR" for setting in all_settings().values())
    yield _text("As the options of these names. An option wins over its variable, and that over the settings file.")
    for name, meaning in _VARIABLES:
        yield from (".TP", rf"\fB{_text(name)}\fR", _text(meaning))
    yield from (".SH FILES", ".TP", r"\fIconfig.toml\fR")
    yield _text("Settings, in the platform's folder for them: vlm config path prints where.")


def _exit_codes(root: Any) -> Iterator[str]:
    yield ".SH EXIT STATUS"
    for code in without_markup(root.epilog).removeprefix("Exit codes: ").rstrip(".").split(", "):
        number, _, meaning = code.partition(" ")
        if number.isdecimal():
            yield from (".TP", rf"\fB{number}\fR", _text(meaning))
        else:  # a comma within a meaning
            yield _text(f"or {code}")


def _paragraphs(text: str, between: str = ".PP") -> Iterator[str]:
    for number, paragraph in enumerate(re.split(r"\n\s*\n", text.replace("\f", "").strip())):
        if number:
            yield between
        yield _text(without_markup(paragraph))


def _text(words: str) -> str:
    """Words as roff takes them for words: no escapes, no requests, ASCII only."""
    escaped = words.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace("`", r"\(ga")
    escaped = escaped.replace("^", r"\(ha").replace("~", r"\(ti").replace('"', r"\(dq")
    escaped = "".join(c if c.isascii() else rf"\[u{ord(c):04X}]" for c in escaped)
    return rf"\&{escaped}" if escaped.startswith((".", r"\(aq")) else escaped
