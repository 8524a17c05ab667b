"""`vlm bench`"""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from vlmcli.cli.completion_values import installed_names
from vlmcli.cli.opening import opening_arguments
from vlmcli.cli.options import Common
from vlmcli.config import LOCAL
from vlmcli.errors import EXIT_OK, UsageError, VlmError

if TYPE_CHECKING:
    from vlmcli.bench.rounds import Side

EXAMPLES = (
    "Examples:\n\nvlm bench llava-1.6-mistral-7b\n\n"
    'vlm bench llava-1.6-mistral-7b --threads 4 --vs "--threads 8"\n\nvlm bench demo --json'
)
_MOST_ROUNDS = 100


def bench(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
            help="As --model of a task; without it, the one that a task would use.",
            autocompletion=installed_names,
        ),
    ] = None,
    vs: Annotated[
        str | None,
        typer.Option("--vs", metavar="OPTIONS", help='Other options to hold against these: --vs "--threads 2".'),
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, max=_MOST_ROUNDS, help="How often all is measured: 3, or 5 with --vs.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    one_round: Annotated[bool, typer.Option("--one-round", hidden=True)] = False,
    *,
    opening: Common,
) -> int:
    """Measure how quick a model is here: loading, a picture, reading, writing alone and up to 16 side by side, memory.

    Each round is a fresh process that looks at a packaged picture. Past results are kept, and the change since the last
    run of the same model, settings and llama.cpp is shown. Ctrl-C ends it, and what was measured is shown.
    """
    if one_round:
        return _measure_here(model, opening, asks_more=bool(vs or rounds or json))
    from vlmcli.bench.rounds import Side

    arguments = (*([model] if model else []), *opening_arguments(opening))
    sides = [Side(arguments)]
    if vs is not None:
        sides.append(Side((*arguments, *_other_options(vs))))
    return _bench(sides, rounds or (3 if vs is None else 5), json)


def _measure_here(model: str | None, opening: Common, asks_more: bool) -> int:
    """In the fresh process of one round. `asks_more`: with options of the whole command, which can be of --vs alone."""
    from vlmcli.bench.measuring import measure
    from vlmcli.bench.rounds import print_round, vs_is_of_opening
    from vlmcli.cli.work import open_model

    if asks_more:
        raise vs_is_of_opening()
    vlm = open_model(replace(opening, model=model, engine=LOCAL))
    assert vlm.opened_with, "it is opened here"
    print_round(*measure(*vlm.opened_with))
    return EXIT_OK


def _other_options(vs: str) -> list[str]:
    try:
        options = shlex.split(vs)
    except ValueError as error:
        raise UsageError(f"--vs cannot be read: {error}.", 'vlm bench MODEL --vs "--threads 2"') from None
    if not options:
        raise UsageError("--vs names no options.", 'vlm bench MODEL --vs "--threads 2"')
    return options


def _bench(sides: list[Side], rounds: int, as_json: bool) -> int:
    from vlmcli.bench.rounds import run_rounds
    from vlmcli.cli.bench_table import print_json, print_sides
    from vlmcli.output.streams import say

    ended_by: BaseException | None = None
    try:
        run_rounds(sides, rounds, _tell)
    except (KeyboardInterrupt, VlmError) as error:
        ended_by = error
    _tell("")
    if any(side.phases for side in sides):
        (print_json if as_json else print_sides)([side for side in sides if side.phases], ended_by is not None)
    elif isinstance(ended_by, KeyboardInterrupt):
        say("vlm: nothing was measured yet")
    if ended_by:
        raise ended_by
    return EXIT_OK


def _tell(words: str) -> None:
    """On one line of the terminal, each over the one before."""
    from vlmcli.output import is_terminal

    if is_terminal(sys.stderr):
        sys.stderr.write(f"\r\x1b[K{words}")
        sys.stderr.flush()
