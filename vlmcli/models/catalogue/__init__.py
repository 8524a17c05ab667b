"""The models that have a short name: one entry each, in the order in which they are listed."""

from __future__ import annotations

from collections.abc import Mapping

from vlmcli.models.catalogue.entry import Entry
from vlmcli.models.catalogue.general import GENERAL
from vlmcli.models.catalogue.llava import LLAVA
from vlmcli.models.catalogue.ocr import OCR
from vlmcli.models.memory import CONTEXT_TOKENS, memory_expected

__all__ = ["CATALOGUE", "DEFAULT_LLAVA", "Entry", "default_llava"]

CATALOGUE: Mapping[str, Entry] = {entry.name: entry for entry in (*LLAVA, *GENERAL, *OCR)}

DEFAULT_LLAVA = "llava"
"""The name that stands for the LLaVA which suits the machine."""

_LLAVAS_BY_CHOICE = ("llava-1.6-mistral-7b", "llava-phi-3")
"""The first that fits: above 7B a processor alone takes minutes for a picture, so more memory changes nothing."""

_OTHERS_BYTES = 3_000_000_000
"""For the system and whatever else runs: a machine of 8 GB with a browser open has about 5 left."""


def default_llava(memory_bytes: int) -> str:
    """The LLaVA for a machine with so much memory in all (not free: the answer is the same every day). 0: unknown."""
    for name in _LLAVAS_BY_CHOICE:
        if _needed_bytes(CATALOGUE[name]) + _OTHERS_BYTES <= memory_bytes:
            return name
    return _LLAVAS_BY_CHOICE[-1]


def _needed_bytes(entry: Entry) -> int:
    return memory_expected(entry.size_bytes, entry.kv_bytes_per_token, CONTEXT_TOKENS).total_bytes
