"""The catalogue by what people type: names forgiven, the nearest ones, and those that a shell completes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from vlmcli.machine import total_memory_bytes
from vlmcli.models.catalogue import CATALOGUE, DEFAULT_LLAVA, Entry, default_llava
from vlmcli.models.catalogue.entry import show_gigabytes

_MOST_NAMES = 4


def folded(name: str) -> str:
    """`LLaVA_v1.6-Mistral-7B` -> `llava-1-6-mistral-7b`: what people mix up makes no difference."""
    return re.sub(r"-v(?=\d)", "-", re.sub(r"[-_. ]+", "-", name.lower()))


_BY_FOLDED = {folded(name): entry for name, entry in CATALOGUE.items()}


def entry_named(name: str, memory_bytes: int | None = None) -> Entry | None:
    """`memory_bytes` of the whole machine, for `llava` alone; None: it is asked."""
    if folded(name) == DEFAULT_LLAVA:
        return CATALOGUE[default_llava(total_memory_bytes() if memory_bytes is None else memory_bytes)]
    return _BY_FOLDED.get(folded(name))


def nearest_names(text: str, extra: Iterable[str] = ()) -> list[str]:
    """Names like this one, best first, a few at most; `extra` are names beside the catalogue's, such as aliases."""
    from difflib import SequenceMatcher

    wanted, words = folded(text), _words(text)
    scored = []
    for name in dict.fromkeys((*extra, DEFAULT_LLAVA, *CATALOGUE)):
        likeness = SequenceMatcher(None, wanted, folded(name)).ratio()
        holds_all = bool(words) and words <= _words(name)
        if holds_all or likeness >= 0.6:
            scored.append((holds_all, likeness, name))
    scored.sort(key=lambda found: found[:2], reverse=True)
    best = [found for found in scored if found[0]] or scored
    return [name for *_, name in best[:_MOST_NAMES]]


def _words(text: str) -> set[str]:
    """`llava:13b` -> {llava, 13b}"""
    return set(re.findall(r"[a-z]+|\d+[bm]?", text.lower()))


def complete_names(incomplete: str) -> list[tuple[str, str]]:
    """Names that begin so, each with a few words, for a shell; after a colon the quantizations of that model."""
    base, colon, begun = incomplete.partition(":")
    if not colon:
        shown = {DEFAULT_LLAVA: "the LLaVA that suits this machine"}
        shown |= {
            name: f"{entry.parameters}, {show_gigabytes(entry.size_bytes)}: {entry.good_for}"
            for name, entry in CATALOGUE.items()
        }
        return [(name, help) for name, help in shown.items() if name.startswith(incomplete.lower())]
    entry = entry_named(base)
    found = [quant for quant in entry.quants if quant.startswith(begun.upper())] if entry else []
    return [
        (
            f"{base}:{quant.lower() if begun.islower() else quant}",
            "the usual one" if entry and quant == entry.quant else "",
        )
        for quant in found
    ]
