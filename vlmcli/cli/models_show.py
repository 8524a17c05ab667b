"""`vlm models show`: what is on disk of a model, read from its files."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from vlmcli.config import read_aliases
from vlmcli.gguf import read_header, read_parts
from vlmcli.gguf.facts import facts_of
from vlmcli.models import resolve_model
from vlmcli.models.memory import CONTEXT_TOKENS, memory_needed
from vlmcli.models.provenance import Origin, origin_of
from vlmcli.models.used import last_used
from vlmcli.output import show_name
from vlmcli.output.sizes import show_age, show_size

Section = Mapping[str, object]


def print_facts(name: str, as_json: bool) -> None:
    """A name, an alias or `demo`. Raises ModelError for what is not here, or is damaged."""
    files = resolve_model(name, aliases=read_aliases)
    decoder, projector = read_header(files.decoder), read_header(files.projector)
    memory = memory_needed(read_parts(decoder), projector, CONTEXT_TOKENS)
    used = last_used(files.decoder)
    about: dict[str, object] = {
        "name": files.name,
        "family": files.family.name or None,
        "memory_bytes": memory.total_bytes,
        "memory_context_tokens": CONTEXT_TOKENS,
        "last_used": None if used is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(used)),
    }
    sections: dict[str, Section] = {
        "model": about,
        "weights": {**_file(files.decoder), **facts_of(decoder)},
        "projector": {**_file(files.projector), **facts_of(projector)},
    }
    if as_json:
        print(json.dumps({**about, **{key: sections[key] for key in ("weights", "projector")}}, indent=2))
        return
    for title, section in sections.items():
        print(title)
        for line in _lines(section, used):
            print(f"  {line}")


def _file(path: Path) -> dict[str, object]:
    origin: Origin | None = origin_of(path)
    found: dict[str, object] = {"file": str(path), "size_bytes": path.stat().st_size}
    if origin:
        found |= {"repository": origin.repo_id, "revision": origin.commit, "sha256": origin.sha256 or None}
    return found


def _lines(section: Section, used: float | None) -> Iterator[str]:
    shown = {key: value for key, value in section.items() if value not in (None, "", ())}
    if "last_used" in shown and used is not None:
        shown["last_used"] = show_age(time.time() - used)
    width = max((len(key.replace("_bytes", "")) for key in shown), default=0)
    for key, value in shown.items():
        words = key.replace("_bytes", "").replace("_", " ")
        yield f"{words:{width}}  {_shown(key, value)}"


def _shown(key: str, value: object) -> str:
    if "_bytes" in key and isinstance(value, int):
        return show_size(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, tuple | list):
        return " ".join(str(round(part, 4) if isinstance(part, float) else part) for part in value)
    return show_name(str(value))
