"""Where a job remembers what it has answered: its ledger and its lock, by the name of its output."""

from __future__ import annotations

import os
from pathlib import Path

from vlmcli.errors import UsageError
from vlmcli.output import OutputSettings, resolve_format, show_name
from vlmcli.output.as_jsonl import JsonlFormat
from vlmcli.output.sink import is_direct

_LONGEST_NAME_BYTES = 255
"""Of nearly all file systems."""


def file_of(output: Path | None) -> Path | None:
    """The output, where it is a file that can be written anew and in pieces."""
    return None if output is None or str(output) == "-" or is_direct(output) else output


def ledger_of(settings: OutputSettings) -> Path:
    """The output itself where it is jsonl; else a hidden file beside it; nowhere where nothing can be remembered."""
    place = file_of(None if settings.path is None else Path(settings.path))
    if place is None:
        return Path(os.devnull)
    target = target_of(place)
    return target if resolve_format(settings) is JsonlFormat else hidden_ledger(target)


def lock_of(ledger: Path) -> Path:
    return ledger.with_name(_fitting(f".{ledger.name.removeprefix('.')}", ".lock"))


def hidden_ledger(output: Path) -> Path:
    """`captions.csv` -> `.captions.csv.vlm.jsonl`"""
    return output.with_name(_fitting(f".{output.name}", ".vlm.jsonl"))


def target_of(path: Path) -> Path:
    return Path(os.path.realpath(path))  # a link keeps pointing at what it points at


def spare_ledgers(output: Path | None) -> None:
    """Raises UsageError for an output that a job over many pictures goes on from, or makes from a ledger beside it."""
    place = file_of(output)
    if place is not None:
        target = target_of(place)
        _spare(place, (target, hidden_ledger(target)), "Name another file with --output")


def spare_own_ledger(settings: OutputSettings) -> None:
    """The same of an output that is to be made from a ledger beside it, and is one itself."""
    place = file_of(None if settings.path is None else Path(settings.path))
    if place is not None and ledger_of(settings) != target_of(place):
        _spare(place, (target_of(place),), "Name another file with --output\nBegin it anew: --overwrite")


def _spare(output: Path, ledgers: tuple[Path, ...], hint: str) -> None:
    from vlmcli.batch.recognising import holds_ledger

    ledger = next(filter(holds_ledger, ledgers), None)
    if ledger is not None:
        how = "holds" if ledger == target_of(output) else f"is made from {show_name(ledger.name)}, which holds"
        raise UsageError(f"{show_name(str(output))} {how} what a job over many pictures has answered.", hint)


def _fitting(name: str, ending: str) -> str:
    """Both, where they make a name that file systems take; else the name gives way to its beginning and its digest."""
    if len(os.fsencode(name + ending)) <= _LONGEST_NAME_BYTES:
        return name + ending
    from vlmcli.cache import digest_of

    ending = f"-{digest_of(name)[:12]}{ending}"
    room_bytes = _LONGEST_NAME_BYTES - len(os.fsencode(ending))
    return os.fsencode(name)[:room_bytes].decode("utf-8", "ignore") + ending
