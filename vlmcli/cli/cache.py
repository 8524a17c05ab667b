"""`vlm cache`: what is kept on disk, where, and getting rid of it."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vlmcli.cli.ages import seconds_of
from vlmcli.errors import OutputError, UsageError

if TYPE_CHECKING:
    from vlmcli.cache import Store

cache = typer.Typer(
    help="Show what is kept on disk so that no picture is computed twice; clear it, turn it off.",
    epilog=(
        "VLM_CACHE_DIR puts it elsewhere, VLM_CACHE_LIMIT=2G bounds it, VLM_CACHE=off or on wins over"
        " `vlm cache off`.\n\n"
        "Examples:\n\nvlm cache clear --older-than 30d\n\nvlm cache off"
    ),
    rich_markup_mode="rich",
)


_ELSEWHERE = "Another place: export VLM_CACHE_DIR=FOLDER"


@cache.callback(invoke_without_command=True)
def show(context: typer.Context) -> None:
    """Show what is kept on disk so that no picture is computed twice; clear it, turn it off."""
    if context.invoked_subcommand is not None:
        return
    from vlmcli.cache import is_off
    from vlmcli.output import is_terminal

    store, off = _store(), is_off()
    if is_terminal(sys.stdout):
        _show_to_a_person(store)
    else:
        for u in store.usage():
            used = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(u.newest))
            print(u.kind, _name(u.label), u.entries, u.size_bytes, u.hits, used, sep="\t")
    _say_why_it_is_not_used(store, off)


@cache.command()
def clear(
    older_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="Only what was not used for so long: 30d, 12h, 45m.")
    ] = None,
    kind: Annotated[Literal["rows", "kv", "answers"] | None, typer.Option(help="Only this kind.")] = None,
) -> int:
    """Remove what is kept. Nothing is asked: all of it can be computed again."""
    from vlmcli.output.sizes import show_size

    age_s = None if older_than is None else seconds_of(older_than, "vlm cache clear --older-than 30d")
    store = _store()
    cleared = store.clear(kind, age_s)
    print(f"Removed {_entries(cleared.entries)}: {show_size(cleared.size_bytes)}.")
    if cleared.left:
        raise OutputError(
            f"{_entries(cleared.left)} could not be removed: {cleared.reason}.", f"See who may write in {store.root}"
        )
    _check_readable(store)
    return 0


@cache.command()
def off() -> int:
    """From now on use nothing of it and keep nothing more. What is there stays: vlm cache clear."""
    return _turn(False)


@cache.command()
def on() -> int:
    """Use it again."""
    return _turn(True)


@cache.command()
def path() -> int:
    """Print where it is, or would be."""
    print(_store().root)
    return 0


def _turn(on: bool) -> int:
    from vlmcli.cache import is_off, turn
    from vlmcli.output import show_name
    from vlmcli.output.streams import say

    marker = turn(on)
    said = "The cache is on." if on else f"The cache is off, as long as this file is there: {show_name(str(marker))}"
    say(said)
    if is_off() is on:
        say("vlm: VLM_CACHE is set in the environment and wins over it")
    return 0


def _store() -> Store:
    """Also when it is off: what is there can be seen and removed."""
    from vlmcli.cache import Store, find_cache_dir, find_limits

    root = find_cache_dir()
    if root is None:
        raise UsageError("There is no home folder for a cache.", "export VLM_CACHE_DIR=FOLDER")
    return Store(root, find_limits())


def _show_to_a_person(store: Store) -> None:
    """Where it is and how full, and a line for each kind and model."""
    from vlmcli.cache import find_limits
    from vlmcli.output import show_name
    from vlmcli.output.sizes import show_age, show_size
    from vlmcli.output.table import Column, print_rows

    found = store.usage()
    total_bytes = sum(u.size_bytes for u in found)
    print(f"{show_name(str(store.root))}: {show_size(total_bytes)} of at most {show_size(sum(find_limits().values()))}")
    if not found:
        return
    now = time.time()
    rows = [
        (u.kind, _name(u.label), str(u.entries), show_size(u.size_bytes), str(u.hits), show_age(now - u.newest))
        for u in found
    ]
    print()
    counts = [Column(name, right=True) for name in ("entries", "size", "hits")]
    print_rows([Column("kind"), Column("model", rank=2), *counts, Column("last used", rank=1)], rows)


def _entries(many: int) -> str:
    return f"{many} {'entry' if many == 1 else 'entries'}"


def _say_why_it_is_not_used(store: Store, off: bool) -> None:
    from vlmcli.output import print_error

    if off:
        print_error(
            UsageError("The cache is off.", "unset VLM_CACHE" if os.environ.get("VLM_CACHE") else "vlm cache on")
        )
    _check_readable(store)


def _check_readable(store: Store) -> None:
    """Raises UsageError for a place that can be no store, OutputError for one that cannot be looked at."""
    from vlmcli.output import show_name

    if os.path.exists(store.root) and not os.path.isdir(store.root):
        raise UsageError(f"{show_name(str(store.root))} is no folder: nothing is kept.", _ELSEWHERE)
    if obstacle := store.find_obstacle():
        raise OutputError(
            f"{show_name(str(obstacle.filename))} cannot be read: {obstacle.strerror or obstacle}.", _ELSEWHERE
        )


def _name(label: str) -> str:
    from vlmcli.output import show_name

    return show_name(label) or "-"
