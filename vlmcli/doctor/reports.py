"""The child process of the doctor: loads llama.cpp, and says in one line of JSON what it sees."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from vlmcli.errors import VlmError


def build() -> dict[str, Any]:
    """llama.cpp's version, backends and features, and the devices that it can use: LlamaBuild as a dict."""
    from vlmcli.engine import describe_build

    return asdict(describe_build())


def box(device: str) -> dict[str, Any]:
    """What the model in the box answers on a device."""
    from vlmcli.doctor.asking import ask_box

    return asdict(ask_box(device))


REPORTS: dict[str, Callable[..., dict[str, Any]]] = {"build": build, "box": box}


def main() -> int:
    """`REPORT ARGUMENT…`: the report on stdout; an error that is understood is one too."""
    outbox = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints does not come between
    try:
        said = REPORTS[sys.argv[1]](*sys.argv[2:])
    except VlmError as error:
        said = {"error": error.sentence, "hint": error.hint}
    outbox.write(f"{json.dumps(said)}\n")
    outbox.flush()
    os._exit(0)  # what a driver does at its end is not asked
