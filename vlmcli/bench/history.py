"""Past results: a line of JSON for each run in the platform's folder for such things, the newest few hundred."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vlmcli.state import state_path
from vlmcli.whole import replacing

_MOST_RUNS = 500
_ROOMY_RUNS = 400
"""How many are left when it was full, so that the next ones only append."""


@dataclass(frozen=True, slots=True)
class PastRun:
    """`key` is About.key; `phases`: the values of each by its name; `time`: seconds since 1970."""

    key: str
    time: float
    version: str
    model: str
    arguments: tuple[str, ...]
    phases: Mapping[str, tuple[float, ...]]


def history_path() -> Path:
    return state_path("bench.jsonl")


def find_last(key: str) -> PastRun | None:
    """The newest run of the same model, settings and build."""
    return next((run for run in reversed(list(_runs())) if run.key == key), None)


def remember(run: PastRun) -> bool:
    """Keep it; whether it could be. What is measured now does not fail by it."""
    path = history_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{json.dumps(asdict(run))}\n")
        _bound(path)
    except (OSError, RuntimeError):
        return False
    return True


def _bound(path: Path) -> None:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    if len(lines) <= _MOST_RUNS:
        return
    with replacing(path, sync=False) as file:
        file.writelines(line.encode() for line in lines[-_ROOMY_RUNS:])


def _runs() -> Iterator[PastRun]:
    """All that can be understood: a line that was cut off, or is of another version, is passed over."""
    try:
        lines = history_path().read_text(encoding="utf-8", errors="replace").splitlines()
    except (OSError, RuntimeError):
        return
    for line in lines:
        try:
            yield _run(json.loads(line))
        except (ValueError, TypeError, KeyError, AttributeError):
            continue


def _run(said: dict[str, Any]) -> PastRun:
    phases = {str(name): tuple(float(value) for value in values) for name, values in said["phases"].items()}
    arguments = tuple(map(str, said["arguments"]))
    return PastRun(str(said["key"]), float(said["time"]), str(said["version"]), str(said["model"]), arguments, phases)
