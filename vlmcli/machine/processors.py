"""How many threads to compute with: one for each physical core of the fast kind that this process may use.

llama.cpp's threads meet after each step, so the slowest of them sets the pace: a second thread on a core, or one on a
core that is made to save power, holds up the others. What the system counts are logical processors.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Collection
from pathlib import Path

from vlmcli.machine.cgroup import processor_share
from vlmcli.machine.system_files import number_in, read

_ROOT = Path("/")
_FAST_CLOCK, _FAST_CAPACITY = 0.85, 0.6
"""Of the fastest core's. Cores of one kind differ by less (some are picked for a higher clock), kinds by more."""
_LEAST = 2
"""Where there is one core with two threads, as many rented machines have: the second is then ours as well."""


def count_threads(root: Path = _ROOT, allowed: Collection[int] | None = None) -> int:
    """Threads that suit this process. `allowed`: the logical processors that it may use; None asks the system."""
    if sys.platform == "darwin" and root == _ROOT:
        return _of_macos() or os.cpu_count() or 1
    allowed = _allowed() if allowed is None else set(allowed)
    cores = physical_cores(root, allowed)
    count = len(_fast_ones(root, cores)) if cores else _guess(len(allowed))
    count = max(count, min(_LEAST, len(allowed)), 1)
    share = processor_share(root)
    return count if share is None else max(min(count, math.ceil(share)), 1)


def physical_cores(root: Path, allowed: Collection[int]) -> list[tuple[int, ...]]:
    """The allowed logical processors, those of one core together. Empty where the system does not tell (no Linux)."""
    cores: dict[tuple[int, ...], None] = {}
    for number in sorted(allowed):
        topology = _cpu(root, number) / "topology"
        siblings = _list(topology / "core_cpus_list") or _list(topology / "thread_siblings_list")
        if not siblings:
            return []
        cores[tuple(cpu for cpu in siblings if cpu in allowed) or (number,)] = None
    return list(cores)


def _fast_ones(root: Path, cores: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """The cores of the fast kind. Intel's hybrids list them; ARM gives a capacity; others their highest clock."""
    listed = set(_list(root / "sys/devices/cpu_core/cpus"))
    found = [core for core in cores if listed.intersection(core)]
    if found:
        return found
    for name, share in (("cpu_capacity", _FAST_CAPACITY), ("cpufreq/cpuinfo_max_freq", _FAST_CLOCK)):
        speeds = {core: number_in(_cpu(root, core[0]) / name) for core in cores}
        fastest = max(speeds.values())
        if fastest:
            return [core for core in cores if speeds[core] >= fastest * share]
    return cores


def _guess(logical: int) -> int:
    """Without a word from the system: many processors are two threads a core, few are not."""
    return logical if logical <= 4 else logical // 2


def _allowed() -> set[int]:
    try:
        return set(os.sched_getaffinity(0))
    except AttributeError:  # no Linux
        return set(range(os.cpu_count() or 1))


def _of_macos() -> int:
    """Performance cores of Apple's processors, cores of Intel's; 0 where the system does not tell."""
    return _sysctl(b"hw.perflevel0.physicalcpu") or _sysctl(b"hw.physicalcpu")


def _sysctl(name: bytes) -> int:
    import ctypes

    value, size = ctypes.c_int(), ctypes.c_size_t(ctypes.sizeof(ctypes.c_int))
    try:
        failed = ctypes.CDLL(None).sysctlbyname(name, ctypes.byref(value), ctypes.byref(size), None, 0)
    except (AttributeError, OSError):
        return 0
    return 0 if failed else value.value


def _cpu(root: Path, number: int) -> Path:
    return root / f"sys/devices/system/cpu/cpu{number}"


def _list(file: Path) -> list[int]:
    """`0-3,8` as numbers; empty where there is no such file."""
    numbers: list[int] = []
    for part in read(file).split(","):
        first, _, last = part.partition("-")
        if not first.isdecimal() or (last and not last.isdecimal()):
            return []
        numbers += range(int(first), int(last or first) + 1)
    return numbers
