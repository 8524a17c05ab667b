"""How many workers a cluster gives, and what each of them asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from vlmcli.errors import EngineError

Machine = Mapping[str, float]
"""What Ray says that a machine has: `{"CPU": 16.0, "GPU": 2.0}`."""

_NEARLY = 1e-6


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """What the user said. None: what suits the cluster."""

    address: str = ""
    """Of a cluster that is there (`host:6379`, `ray://host:10001`, `auto`); empty: RAY_ADDRESS, or one of our own."""
    workers: int | None = None
    cpus: float | None = None
    gpus: float | None = None
    """Of each worker."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How many workers, and what each of them takes."""

    workers: int
    cpus: float
    gpus: float
    """Of each worker."""

    @property
    def threads(self) -> int:
        return max(1, int(self.cpus))


def shape_of(machines: Sequence[Machine], settings: ClusterSettings) -> Shape:
    """One worker for each GPU, or one for each machine where there are none. Raises EngineError when none fits.

    More workers than fit now are waited for by Ray: a cluster may grow.
    """
    gpus = settings.gpus if settings.gpus is not None else float(any(m.get("GPU", 0) >= 1 for m in machines))
    able = [machine for machine in machines if machine.get("GPU", 0) + _NEARLY >= gpus and machine.get("CPU", 0) > 0]
    if not able:
        raise _no_room(machines, f"{gpus:g} GPUs" if gpus else "a processor", "Ask for less: --ray-gpus 0")
    if settings.cpus is not None:
        cpus = settings.cpus
    elif gpus:
        cpus = min(max(1.0, machine["CPU"] // max(1, machine["GPU"] // gpus)) for machine in able)
    else:
        each = ceil((settings.workers or len(able)) / len(able))
        cpus = min(machine["CPU"] / each for machine in able)
        cpus = float(int(cpus)) if cpus >= 1 else int(cpus * 100) / 100
    fitting = sum(_fitting(machine, cpus, gpus) for machine in able)
    if not fitting:
        raise _no_room(machines, f"{cpus:g} processors", "Ask for less: --ray-cpus 1")
    return Shape(settings.workers or fitting, cpus, gpus)


def _fitting(machine: Machine, cpus: float, gpus: float) -> int:
    by_cpus = int(machine["CPU"] / cpus + _NEARLY) if cpus else 1
    return min(by_cpus, int(machine["GPU"] / gpus + _NEARLY)) if gpus else by_cpus


def _no_room(machines: Sequence[Machine], wanted: str, hint: str) -> EngineError:
    most = max((machine.get("CPU", 0) for machine in machines), default=0)
    gpus = max((machine.get("GPU", 0) for machine in machines), default=0)
    return EngineError(
        f"No machine of the cluster has {wanted} for a worker: the largest of {len(machines)} has {most:g} processors"
        f" and {gpus:g} GPUs.",
        hint,
    )
