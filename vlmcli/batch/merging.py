"""The parts that several machines have answered, as one ledger: checked for what is missing or does not agree."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from vlmcli.batch.ledger import Key, as_line, other_settings
from vlmcli.errors import UsageError
from vlmcli.images.names import natural
from vlmcli.output import show_name
from vlmcli.output.unwritable import cannot_write
from vlmcli.whole import replacing


class _Found(NamedTuple):
    """Where a record is, and what must agree."""

    part: Path
    at: int
    failed: bool
    text: str


@dataclass(slots=True)
class Merged:
    """What the parts hold. `settings` are those of all of them."""

    settings: dict[str, Any] = field(default_factory=dict)
    model: str = ""
    found: dict[Key, _Found] = field(default_factory=dict)
    shards: set[tuple[int, int]] = field(default_factory=set)
    empty: int = 0
    """Parts with nothing in them: a share may be so small."""


def read_parts(parts: Sequence[Path]) -> Merged:
    """Raises UsageError for a part that is none, is of other settings, contradicts another, or is missing."""
    merged = Merged()
    for part in parts:
        _read_part(part, merged)
    _check_shards(merged)
    return merged


def _read_part(part: Path, merged: Merged) -> None:
    name, own, at = show_name(str(part)), dict[Key, _Found](), 0
    try:
        with open(part, "rb") as file:
            _check_seekable(file, name)
            for number, line in enumerate(file, 1):
                _check_whole(line, name)
                key, found = _read_line(part, number, line, at, merged)
                own[key] = found
                at += len(line)
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {(error.strerror or str(error)).lower()}.", "ls *.jsonl") from error
    merged.empty += not own
    for key, found in own.items():
        other = merged.found.get(key)
        if other is None or other.failed:
            merged.found[key] = found
        elif not found.failed and found.text != other.text:
            raise UsageError(
                f"{name} and {show_name(str(other.part))} contradict each other about {show_name(key[0])}.",
                "Leave one of them out, or have the picture answered again.",
            )


def _check_seekable(file: BinaryIO, name: str) -> None:
    if not file.seekable():
        raise UsageError(f"{name} is a pipe, and parts are read twice.", "Name a file: vlm merge PART.jsonl… -o WHOLE")


def _check_whole(line: bytes, name: str) -> None:
    """A last line without an end was torn by a crash, and what came after it was never answered."""
    if not line.endswith(b"\n"):
        raise UsageError(
            f"{name} ends within a line: the job that answered it was cut off.",
            "Run its command once more, which answers the rest; then merge.",
        )


def _read_line(part: Path, number: int, line: bytes, at: int, merged: Merged) -> tuple[Key, _Found]:
    try:
        value = json.loads(line)
        job = value["job"]
        key = job.get("name", value["picture"]), value["question"]
        settings, shard = dict(job["settings"]), job.get("shard")
        found = _Found(part, at, bool(value["error"]), value["text"])
        model = value["model"]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(
            f"{show_name(str(part))}, line {number}, is not what a job has answered.", "vlm merge PART.jsonl…"
        ) from None
    if not merged.settings:
        merged.settings, merged.model = settings, model
    if settings != merged.settings:
        raise other_settings(str(part), (settings, model), (merged.settings, merged.model), "Leave it out.")
    if shard:
        merged.shards.add((shard[0], shard[1]))
    return key, found


def _check_shards(merged: Merged) -> None:
    """All of 1..N are there, of the same N."""
    counts = sorted({parts for _, parts in merged.shards})
    if len(counts) > 1:
        raise UsageError(f"There are shards of {' and of '.join(map(str, counts))}.", "Merge those of one N.")
    missing = [n for n in range(1, counts[0] + 1) if (n, counts[0]) not in merged.shards] if counts else []
    if len(missing) > merged.empty:
        which = ", ".join(map(str, missing))
        are = f"Shard {which} of {counts[0]} is" if len(missing) == 1 else f"Shards {which} of {counts[0]} are"
        raise UsageError(f"{are} missing.", f"Answer it: vlm … --shard {missing[0]}/{counts[0]} -o PART.jsonl")


def write_whole(merged: Merged, path: Path) -> None:
    """A ledger as one machine would have made it, in the order of a walk; whole or not at all. Raises OutputError."""
    try:
        with contextlib.ExitStack() as stack:
            files = {part: stack.enter_context(open(part, "rb")) for part in {f.part for f in merged.found.values()}}
            whole = stack.enter_context(replacing(path))
            for key in sorted(merged.found, key=_walk_order):
                found = merged.found[key]
                files[found.part].seek(found.at)
                value = json.loads(files[found.part].readline())
                value["job"].pop("shard", None)
                whole.write(as_line(value))
    except OSError as error:
        raise cannot_write(path, error, "Name another file with --output") from error


def _walk_order(key: Key) -> list[tuple[int, Any]]:
    """A folder's own files before those of the folders in it. Questions of a picture stay as they came."""
    *folders, name = key[0].replace(os.sep, "/").split("/")
    return [*((1, natural(folder)) for folder in folders), (0, natural(name))]
