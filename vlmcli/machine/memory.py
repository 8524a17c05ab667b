"""How much memory this machine has for us, and how much of it is free."""

from __future__ import annotations

import os
from pathlib import Path

from vlmcli.machine.cgroup import memory_shares

_ROOT = Path("/")


def total_memory_bytes(root: Path = _ROOT) -> int:
    """Bytes of memory, or of the share that a container may use of it; 0 where the system does not tell."""
    limits = [share.limit_bytes for share in memory_shares(root)]
    return min(filter(None, (_physical_bytes(), *limits)), default=0)


def free_memory_bytes(root: Path = _ROOT) -> int:
    """Bytes that can be had without swapping, files that are kept in memory included; 0 where nobody tells (macOS)."""
    free = [share.limit_bytes - share.used_bytes for share in memory_shares(root)]
    return max(min([size for size in (_available_bytes(root),) if size] + free, default=0), 0)


def _available_bytes(root: Path) -> int:
    if os.name == "nt":
        return _windows_says()[1]
    try:
        for line in (root / "proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return 0


def _physical_bytes() -> int:
    if os.name == "nt":
        return _windows_says()[0]
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 0


def _windows_says() -> tuple[int, int]:
    """Memory and free memory by GlobalMemoryStatusEx, whose structure is 64 bytes with the two at 8 and 16."""
    import ctypes

    status = (ctypes.c_uint64 * 8)()
    ctypes.cast(status, ctypes.POINTER(ctypes.c_uint32))[0] = ctypes.sizeof(status)
    kernel = getattr(ctypes, "windll", None)
    known = kernel is not None and kernel.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
    return (int(status[1]), int(status[2])) if known else (0, 0)
