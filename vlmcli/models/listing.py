"""All models with a name: what the catalogue knows, or what their files say once they are here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vlmcli.errors import VlmError
from vlmcli.gguf import read_header, read_parts
from vlmcli.models.catalogue import CATALOGUE, Entry
from vlmcli.models.installed import Installed, list_installed
from vlmcli.models.memory import CONTEXT_TOKENS, memory_expected, memory_needed


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of `vlm models`. Empty texts are not known."""

    name: str
    repo: str
    family: str
    parameters: str
    quant: str
    size_bytes: int
    size_is_known: bool
    memory_bytes: int
    licence: str
    good_for: str
    installed: bool


def list_models() -> Iterator[Listed]:
    """The catalogue in its order, each followed by its other quantizations that are here; then what else is here."""
    here = list(list_installed())
    by_name = {found.name: found for found in here}
    for entry in CATALOGUE.values():
        yield _of_files(by_name[entry.name]) if entry.name in by_name else _of_entry(entry)
        yield from (_of_files(found) for found in here if found.wanted.entry is entry and found.name != entry.name)
    yield from (_of_files(found) for found in here if found.wanted.entry is None)


def _of_entry(entry: Entry) -> Listed:
    memory = memory_expected(entry.size_bytes, entry.kv_bytes_per_token, CONTEXT_TOKENS)
    return Listed(
        name=entry.name,
        repo=entry.repo,
        family=entry.family,
        parameters=entry.parameters,
        quant=entry.quant,
        size_bytes=entry.size_bytes,
        size_is_known=entry.size_is_recorded,
        memory_bytes=memory.total_bytes,
        licence=entry.licence,
        good_for=entry.good_for,
        installed=False,
    )


def _of_files(found: Installed) -> Listed:
    entry = found.wanted.entry
    return Listed(
        name=found.name,
        repo=found.wanted.repo,
        family=found.wanted.family,
        parameters=entry.parameters if entry else "",
        quant=found.chosen.quant,
        size_bytes=found.chosen.size_bytes,
        size_is_known=True,
        memory_bytes=_memory_bytes(found),
        licence=entry.licence if entry else "",
        good_for=entry.good_for if entry else "",
        installed=True,
    )


def _memory_bytes(found: Installed) -> int:
    """By the headers; of damaged files, what they weigh."""
    try:
        parts = read_parts(read_header(found.weights[0]))
        return memory_needed(parts, read_header(found.projector), CONTEXT_TOKENS).total_bytes
    except VlmError:
        return found.chosen.size_bytes
