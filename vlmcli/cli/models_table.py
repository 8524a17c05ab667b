"""The list that `vlm models` prints: what can be had, what it takes, whether this machine has that, what is here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from vlmcli.config import read_aliases
from vlmcli.core import Device
from vlmcli.machine import total_memory_bytes
from vlmcli.models.listing import Listed, list_models
from vlmcli.output.sizes import show_size
from vlmcli.output.streams import say
from vlmcli.output.table import Column, print_rows

_SHARE_OF_GPU, _SHARE_OF_MEMORY = 0.92, 0.85
"""How much of a device may be filled: its driver, the desktop and other programs have the rest."""


@dataclass(frozen=True, slots=True)
class Row:
    """A model and how it fits: `GPU`, `memory` or `no`; empty where the machine does not tell."""

    listed: Listed
    fits: str
    is_default: bool


def rows_of(installed_only: bool) -> list[Row]:
    """The catalogue in its order, then what else is here."""
    from vlmcli.engine import list_devices

    gpus = [device for device in list_devices() if device.is_gpu]
    memory_bytes = total_memory_bytes()
    chosen = _default_name()
    return [
        Row(listed, fits(listed.memory_bytes, gpus, memory_bytes), listed.name == chosen)
        for listed in list_models()
        if listed.installed or not installed_only
    ]


def fits(needed_bytes: int, gpus: Sequence[Device], memory_bytes: int) -> str:
    """Where a model that needs so much can be: on one GPU, in memory, or not at all."""
    if any(needed_bytes <= gpu.free_bytes * _SHARE_OF_GPU for gpu in gpus):
        return "GPU"
    if not memory_bytes:
        return ""
    return "memory" if needed_bytes <= memory_bytes * _SHARE_OF_MEMORY else "no"


def _default_name() -> str:
    """The model that is used where none is named, by its own name."""
    import os

    from vlmcli.config import read_config
    from vlmcli.errors import VlmError
    from vlmcli.models import find_model_named

    named = os.environ.get("VLM_MODEL") or read_config().values.get("model")
    try:
        return find_model_named(named, read_aliases())[0] if isinstance(named, str) and named else ""
    except VlmError:
        return ""


def print_table(rows: Sequence[Row]) -> None:
    columns = [
        *(Column("model"), Column("size", rank=2, right=True), Column("needs", rank=3, right=True)),
        *(Column("fits", rank=1), Column("here"), Column("params", rank=5, right=True), Column("quant", rank=6)),
        *(Column("family", rank=8), Column("licence", rank=7), Column("good for", rank=4)),
    ]
    print_rows(columns, [_cells(row) for row in rows])
    if not any(row.listed.installed for row in rows):
        say("None of them is here yet. vlm pull llava fetches the LLaVA that suits this machine.")


def _cells(row: Row) -> list[str]:
    listed = row.listed
    here = ("default" if row.is_default else "yes") if listed.installed else ""
    about = "" if listed.size_is_known else "~"
    return [
        *(listed.name, about + show_size(listed.size_bytes), show_size(listed.memory_bytes), row.fits, here),
        *(listed.parameters, listed.quant, listed.family, listed.licence, listed.good_for),
    ]


def print_json(rows: Sequence[Row]) -> None:
    """Sizes in bytes; `licence` null where nobody states one."""
    print(json.dumps([_as_json(row) for row in rows], indent=2, ensure_ascii=False))


def _as_json(row: Row) -> dict[str, object]:
    listed = row.listed
    return {
        "name": listed.name,
        "repository": listed.repo or None,
        "family": listed.family or None,
        "parameters": listed.parameters or None,
        "quantization": listed.quant or None,
        "size_bytes": listed.size_bytes,
        "size_is_recorded": listed.size_is_known,
        "memory_bytes": listed.memory_bytes,
        "fits": {"GPU": "gpu", "memory": "memory", "no": "no"}.get(row.fits),
        "licence": listed.licence or None,
        "good_for": listed.good_for or None,
        "installed": listed.installed,
        "default": row.is_default,
    }
