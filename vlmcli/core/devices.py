"""What the machine computes with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Device:
    """A device that llama.cpp can use as it was built, by the name that it gives it: CPU, CUDA0, Metal, Vulkan0."""

    name: str
    description: str
    is_gpu: bool
    free_bytes: int
    total_bytes: int
    is_integrated: bool = False
    """A GPU that takes of the processor's memory. It is left alone where there is one with memory of its own."""


@dataclass(frozen=True, slots=True)
class LlamaBuild:
    """The installed llama.cpp, as it says itself."""

    version: str
    backends: tuple[str, ...]
    """What it was built for and could load: CPU, CUDA, Metal, Vulkan, …"""
    features: str
    """`CPU : AVX2 = 1 | AVX512 = 1 | …`"""
    devices: tuple[Device, ...]
