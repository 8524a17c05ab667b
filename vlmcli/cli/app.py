"""The command line as typer sees it: one line a command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from inspect import getdoc
from typing import Annotated

import typer

from vlmcli import __version__
from vlmcli.cli.ask import ask
from vlmcli.cli.compare import compare
from vlmcli.cli.describe import describe
from vlmcli.cli.helping import with_our_help
from vlmcli.cli.inspect import inspect
from vlmcli.cli.ocr import ocr
from vlmcli.cli.settings import register, with_variables
from vlmcli.cli.signatures import with_common
from vlmcli.cli.user_tasks import Commands, TaskCommand

_EXIT_CODES = (
    "Exit codes: 0 all answered, 1 some pictures failed, 2 usage, 3 no picture could be read, 4 model not chosen,"
    " not found, not fitting or damaged, 5 engine, 6 no choice likely enough, 7 output not writable, 8 server,"
    " 130 Ctrl-C, 141 nobody reads the pipe."
)

_EXAMPLES = {
    describe: (
        "vlm describe photo.jpg",
        "vlm describe --style tags *.jpg --format jsonl",
        "cat photo.jpg | vlm describe -",
    ),
    ask: ('vlm ask photo.jpg "What colour is the car?"', 'vlm ask a.png b.png -q "How many people?" -q "Indoors?"'),
    compare: ("vlm compare before.png after.png", 'vlm compare a.png b.png -q "Which is sharper?"'),
    inspect: ("vlm inspect photo.jpg -m llava-1.6-mistral-7b", "vlm inspect photo.jpg --save tiles.png"),
    ocr: ("vlm ocr receipt.png > receipt.txt", "vlm ocr page-*.png -o pages.jsonl"),
}


def command_line(arguments: Sequence[str] = ()) -> typer.Typer:
    """All commands; or, where `arguments` begin with the name of one, that one alone.

    Typer builds each that it is given, and for all of them that takes some 30 ms.
    """
    app = typer.Typer(
        name="vlm",
        cls=Commands,
        help="Ask vision-language models about pictures, on this machine.",
        epilog=_EXIT_CODES,
        no_args_is_help=True,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    first = arguments[0] if arguments else ""
    for add in [_ADD[first]] if first in _ADD else _ADD.values():
        add(app)
    _on_whole_lines(app)
    with_our_help(app)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        print(f"vlm {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    pass


def _add_task(entry: Callable[..., int], examples: Sequence[str], app: typer.Typer) -> None:
    shown = "Examples:\n\n" + "\n\n".join(examples)
    app.command(cls=TaskCommand, epilog=f"{shown}\n\n{_EXIT_CODES}", no_args_is_help=True)(entry)


def _add_merge(app: typer.Typer) -> None:
    from vlmcli.cli.merge import merge

    app.command(no_args_is_help=True)(merge)


def _add_demo(app: typer.Typer) -> None:
    from vlmcli.cli.demo import demo

    app.command()(demo)


def _add_doctor(app: typer.Typer) -> None:
    from vlmcli.cli.doctor import EXAMPLES, doctor

    app.command(epilog=EXAMPLES)(doctor)


def _add_bench(app: typer.Typer) -> None:
    from vlmcli.cli.bench import EXAMPLES, bench

    app.command(cls=TaskCommand, epilog=EXAMPLES)(with_variables(with_common(bench)))


def _add_pull(app: typer.Typer) -> None:
    from vlmcli.cli.pull import PULL_EXAMPLES, pull

    app.command(epilog=PULL_EXAMPLES, no_args_is_help=True)(pull)


def _add_models(app: typer.Typer) -> None:
    from vlmcli.cli.models import models

    app.add_typer(models, name="models")


def _add_config(app: typer.Typer) -> None:
    from vlmcli.cli.config import config

    app.add_typer(config, name="config")


def _add_cache(app: typer.Typer) -> None:
    from vlmcli.cli.cache import cache

    app.add_typer(cache, name="cache")


def _task(command: Callable[..., int]) -> Callable[[typer.Typer], None]:
    """Its options are settings for good, which other commands know of too: so they are read at once."""
    entry = with_common(command)
    register(command.__name__, entry)
    return partial(_add_task, entry, _EXAMPLES[command])


def _on_whole_lines(commands: typer.Typer) -> None:
    """Typer keeps the line breaks of a docstring's later paragraphs, which are those of the source."""
    for command in commands.registered_commands:
        command.help = command.help or _unwrapped(getdoc(command.callback) or "")
    for group in commands.registered_groups:
        if group.typer_instance:
            _on_whole_lines(group.typer_instance)


def _unwrapped(text: str) -> str:
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


_ADD: dict[str, Callable[[typer.Typer], None]] = {
    **{command.__name__: _task(command) for command in (describe, ask, compare, ocr, inspect)},
    "merge": _add_merge,
    "demo": _add_demo,
    "doctor": _add_doctor,
    "bench": _add_bench,
    "pull": _add_pull,
    "models": _add_models,
    "config": _add_config,
    "cache": _add_cache,
}
