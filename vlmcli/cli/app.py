"""The command line as typer sees it: one line a command."""

from __future__ import annotations

from collections.abc import Callable
from inspect import getdoc
from typing import Annotated

import typer

from vlmcli import __version__
from vlmcli.cli.ask import ask
from vlmcli.cli.bench import EXAMPLES as BENCH_EXAMPLES
from vlmcli.cli.bench import bench
from vlmcli.cli.cache import cache
from vlmcli.cli.compare import compare
from vlmcli.cli.config import config
from vlmcli.cli.demo import demo
from vlmcli.cli.describe import describe
from vlmcli.cli.doctor import EXAMPLES as DOCTOR_EXAMPLES
from vlmcli.cli.doctor import doctor
from vlmcli.cli.inspect import inspect
from vlmcli.cli.merge import merge
from vlmcli.cli.models import models
from vlmcli.cli.ocr import ocr
from vlmcli.cli.pull import PULL_EXAMPLES, pull
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

app = typer.Typer(
    name="vlm",
    cls=Commands,
    help="Ask vision-language models about pictures, on this machine.",
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"vlm {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    pass


def _add(command: Callable[..., int]) -> None:
    examples = "Examples:\n\n" + "\n\n".join(_EXAMPLES[command])
    entry = with_common(command)
    register(command.__name__, entry)
    app.command(cls=TaskCommand, epilog=f"{examples}\n\n{_EXIT_CODES}", no_args_is_help=True)(entry)


for _command in (describe, ask, compare, ocr, inspect):
    _add(_command)
app.command(no_args_is_help=True)(merge)
app.command()(demo)
app.command(epilog=DOCTOR_EXAMPLES)(doctor)
app.command(cls=TaskCommand, epilog=BENCH_EXAMPLES)(with_variables(with_common(bench)))
app.command(epilog=PULL_EXAMPLES, no_args_is_help=True)(pull)
app.add_typer(models, name="models")
app.add_typer(config, name="config")
app.add_typer(cache, name="cache")


def _on_whole_lines(commands: typer.Typer) -> None:
    """Typer keeps the line breaks of a docstring's later paragraphs, which are those of the source."""
    for command in commands.registered_commands:
        command.help = command.help or _unwrapped(getdoc(command.callback) or "")
    for group in commands.registered_groups:
        if group.typer_instance:
            _on_whole_lines(group.typer_instance)


def _unwrapped(text: str) -> str:
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


_on_whole_lines(app)
