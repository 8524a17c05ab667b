"""What this machine and this build of llama.cpp can do safely."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from vlmcli.engine.llama.bindings import llama

MOST_SEQUENCES = 256
"""llama.cpp's LLAMA_MAX_SEQ: a context with more is refused."""


def flash_attention_is_better(one_of_many: bool) -> bool:
    """On a processor it reads pictures in more quickly, and writes many answers side by side more slowly.

    Measured in benchmarks/README.md. It depends on the kind of job alone, so that the same job is computed the same.
    """
    return not one_of_many or bool(llama.llama_supports_gpu_offload())


def best_parallel() -> int:
    """How many answers side by side are best for the sum of all, memory permitting: see benchmarks/README.md.

    On a processor twice as many would be little quicker, and the first answer comes when all prompts were read.
    """
    return 32 if llama.llama_supports_gpu_offload() else 16


def free_memory_bytes() -> int:
    """Bytes of memory that can be had without swapping; 0 where the system does not tell."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, OSError, ValueError):
        return 0


def thread_count() -> int:
    """Processors that this process may use."""
    if sys.version_info >= (3, 13):
        return os.process_cpu_count() or 1
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
