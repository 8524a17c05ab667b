"""What this machine is: its memory, its processors, the GPUs in it. Read from the system, without any library.

What a build of llama.cpp can use of it is another question, and the engine's: `vlmcli.engine.list_devices`.
"""

from __future__ import annotations

from vlmcli.machine.gpus import Gpu, find_gpus, reinstall_command, why_unused
from vlmcli.machine.memory import free_memory_bytes, total_memory_bytes
from vlmcli.machine.processors import count_threads

__all__ = [
    "Gpu",
    "count_threads",
    "find_gpus",
    "free_memory_bytes",
    "reinstall_command",
    "total_memory_bytes",
    "why_unused",
]
