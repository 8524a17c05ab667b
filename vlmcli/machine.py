"""How much memory this machine has for us."""

from __future__ import annotations

import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def total_memory_bytes(cgroup: Path = _CGROUP) -> int:
    """Bytes of memory, or of the share that a container may use of it; 0 where the system does not tell."""
    return min(filter(None, (_physical_bytes(), _limit_bytes(cgroup))), default=0)


def _physical_bytes() -> int:
    if os.name == "nt":
        return _physical_bytes_of_windows()
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 0


def _physical_bytes_of_windows() -> int:
    """Of GlobalMemoryStatusEx, whose structure is 64 bytes with the total at byte 8."""
    import ctypes

    status = (ctypes.c_uint64 * 8)()
    ctypes.cast(status, ctypes.POINTER(ctypes.c_uint32))[0] = ctypes.sizeof(status)
    kernel = getattr(ctypes, "windll", None)
    known = kernel is not None and kernel.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
    return int(status[1]) if known else 0


def _limit_bytes(cgroup: Path) -> int:
    """A container's limit: memory.max (cgroup 2) or memory.limit_in_bytes (cgroup 1). 0: there is none."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            said = (cgroup / name).read_text().strip()
        except OSError:
            continue
        return int(said) if said.isdecimal() else 0
    return 0
