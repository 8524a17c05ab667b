"""Pulling models for a person or a script: the question before, the progress, the words after."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from vlmcli.config import read_aliases
from vlmcli.errors import ModelNotHere, UsageError
from vlmcli.models.hub.events import Begun, Checking, Progress, Pulled, PullEvent, Retrying, Waiting
from vlmcli.models.pulling import PullPlan, fetch_files, plan_pull
from vlmcli.output import is_terminal, show_name
from vlmcli.output.sizes import show_size
from vlmcli.output.streams import say
from vlmcli.output.table import Column, print_rows
from vlmcli.output.transfer import Transfer

_ASK_FROM_BYTES = 1_000_000_000


def plan_all(names: Sequence[str]) -> list[PullPlan]:
    """What is to be fetched for each name, asked from the Hub. Raises ModelError, UsageError."""
    if not names:
        raise UsageError("Missing argument 'MODEL…'.", "vlm models")
    aliases = read_aliases()
    return [plan_pull(name, aliases) for name in dict.fromkeys(names)]


def show_plans(plans: Sequence[PullPlan]) -> None:
    """A line a file on stdout: its name, its size, what is there of it, where it goes."""
    rows = [
        [file.path, show_size(file.size_bytes), "here" if here == file.size_bytes else show_size(here), str(path)]
        for plan in plans
        for file, here, path in zip(plan.chosen.files, plan.here_bytes, plan.paths, strict=True)
    ]
    print_rows([Column("file"), Column("size", right=True), Column("here", right=True), Column("to", rank=1)], rows)
    missing_bytes = sum(plan.missing_bytes for plan in plans)
    say(f"{show_size(missing_bytes)} to fetch." if missing_bytes else "Nothing to fetch.")


def confirm(plans: Sequence[PullPlan]) -> None:
    """Ask a person before more than 1 GB. Off a terminal nothing is asked: it was typed, so it is wanted."""
    missing_bytes = sum(plan.missing_bytes for plan in plans)
    if missing_bytes <= _ASK_FROM_BYTES or not is_person():
        return
    names = " and ".join(show_name(plan.name) for plan in plans)
    if not asked(f"Fetch {names}: {show_size(missing_bytes)}?"):
        raise UsageError("Nothing was fetched.", f"vlm pull --yes {' '.join(plan.name for plan in plans)}")


def offer(error: ModelNotHere, quiet: bool) -> bool:
    """For a task whose model is not here: on a terminal the pull, with its size. False when it is not wanted."""
    if not is_person():
        return False
    plan = plan_pull(error.name, read_aliases())
    say(f"vlm: {show_name(error.sentence)}")
    if not asked(f"Fetch it now: {show_size(plan.missing_bytes)}?"):
        return False
    fetch(plan, quiet, before_task=True)
    return True


def is_person() -> bool:
    """Somebody sits at both ends and can be asked."""
    return bool(sys.stdin and sys.stdin.isatty() and is_terminal(sys.stderr))


def asked(question: str) -> bool:
    """A yes or no on the terminal; Return alone is yes, the end of input no."""
    print(f"{question} [Y/n] ", end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        print(file=sys.stderr)
    return line.strip().lower() in ("", "y", "yes") and bool(line)


def fetch(plan: PullPlan, quiet: bool = False, before_task: bool = False) -> None:
    """Pull what is missing, its progress on stderr. Raises ModelError, OutputError. Ctrl-C keeps what has come."""
    transfer = Transfer(quiet or not plan.missing_bytes, bars=not _bars_are_off())
    try:
        for event in fetch_files(plan):
            _show(event, plan, transfer)
    except KeyboardInterrupt:
        transfer.close()
        say(f"vlm: stopped. What has come stays, and this goes on from there: vlm pull {plan.name}")
        raise
    finally:
        transfer.close()
    if quiet:
        return
    if plan.unasked:
        say(f"vlm: not asked for a newer version: {show_name(plan.unasked)}")
    if not before_task:
        say(f"{show_name(plan.name)} is here. Use it: vlm describe PICTURE --model {show_name(plan.name)}")


def _bars_are_off() -> bool:
    return os.environ.get("HF_HUB_DISABLE_PROGRESS_BARS", "").upper() in ("1", "ON", "YES", "TRUE")


def _show(event: PullEvent, plan: PullPlan, transfer: Transfer) -> None:
    if isinstance(event, Begun):
        transfer.begin([file.name for file in event.files], [f.size_bytes for f in event.files], event.here_bytes)
        return
    number = plan.chosen.files.index(event.file)
    if isinstance(event, Progress):
        transfer.at(number, event.done_bytes)
    elif isinstance(event, Checking):
        transfer.checking(number, event.done_bytes)
    elif isinstance(event, Waiting):
        transfer.note(number, "another program downloads it; waiting for that")
    elif isinstance(event, Retrying):
        transfer.note(number, f"{event.reason}; on in {event.wait_s:.0f} s")
    elif isinstance(event, Pulled):
        transfer.at(number, event.file.size_bytes)
