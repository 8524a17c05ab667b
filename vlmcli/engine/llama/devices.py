"""What this machine and this build of llama.cpp can do safely."""

from __future__ import annotations

from vlmcli.engine.llama.bindings import llama

MOST_SEQUENCES = 256
"""llama.cpp's LLAMA_MAX_SEQ: a context with more is refused."""


def best_parallel(may_use_gpu: bool) -> int:
    """How many answers side by side are best for the sum of all, memory permitting: see benchmarks/README.md.

    On a processor twice as many would be little quicker, and the first answer comes when all prompts were read.
    """
    return 32 if may_use_gpu and llama.llama_supports_gpu_offload() else 16
