"""Features of the processor that make llama.cpp quick, by its names for them and by the system's."""

from __future__ import annotations

import platform
from pathlib import Path

_SYSTEM_NAMES = {
    "AVX": "avx",
    "AVX2": "avx2",
    "FMA": "fma",
    "F16C": "f16c",
    "BMI2": "bmi2",
    "AVX512": "avx512f",
    "AVX512_VNNI": "avx512_vnni",
    "AVX512_BF16": "avx512_bf16",
    "AVX_VNNI": "avx_vnni",
    "AMX_INT8": "amx_int8",
    "DOTPROD": "asimddp",
    "MATMUL_INT8": "i8mm",
    "SVE": "sve",
}
"""llama_print_system_info's names, and those of the same in /proc/cpuinfo."""
_WORTH_A_BUILD = ("AVX", "AVX2", "FMA", "F16C", "AVX512", "DOTPROD", "MATMUL_INT8")
"""Without these it is slower by so much that building it anew pays."""


def features_of_processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """What the processor has, by the system's names. Empty where the system does not tell (it is not Linux)."""
    for line in _lines(cpuinfo):
        name, _, values = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return frozenset(values.split())
    return frozenset()


def processor_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    for line in _lines(cpuinfo):
        name, _, value = line.partition(":")
        if name.strip() == "model name" and value.strip():
            return value.strip()
    return platform.processor() or platform.machine() or "the processor"


def _lines(cpuinfo: Path) -> list[str]:
    try:
        return cpuinfo.read_text(errors="replace").splitlines()
    except OSError:
        return []


def unused(features: str, has: frozenset[str]) -> list[str]:
    """What the processor has and the build does not use, of what is worth a new build. `features`: system_info."""
    return [name for name in _WORTH_A_BUILD if _SYSTEM_NAMES[name] in has and not _is_on(name, features)]


def lacking(features: str, has: frozenset[str]) -> list[str]:
    """What the build uses and the processor does not have."""
    return [name for name, known in _SYSTEM_NAMES.items() if _is_on(name, features) and known not in has]


def _is_on(name: str, features: str) -> bool:
    return f" {name} = 1 " in f" {features} ".replace("|", " | ").replace("  ", " ")
