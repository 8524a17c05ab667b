"""llama.cpp as it was built: whether it can be loaded, what of the processor and the GPUs it uses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vlmcli.doctor.features import features_of_processor, lacking, processor_name, unused
from vlmcli.doctor.findings import Finding
from vlmcli.doctor.patient import ChildFailed, Patient
from vlmcli.doctor.programs import find_version
from vlmcli.machine import count_threads, find_gpus, free_memory_bytes, total_memory_bytes, why_unused
from vlmcli.machine.llama_package import FOR_THIS_PROCESSOR, INSTALL, REINSTALL, REQUIREMENT
from vlmcli.output.sizes import show_size

_VARIABLES = ("LLAMA_CPP_LIB_PATH", "MTMD_CPP_LIB")
_LEAST, _BELOW = (0, 3, 36), (0, 4)


def loads(patient: Patient) -> Iterator[Finding]:
    """Versions and backends; or what comes of loading it."""
    installed, what = find_version("llama-cpp-python"), "llama.cpp"
    if not installed:
        yield Finding("problem", what, "llama-cpp-python is not installed", INSTALL)
        return
    try:
        said = patient.build()
    except ChildFailed as failure:
        illegal = failure.how == "SIGILL"
        why = ": it was built for another processor" if illegal else ""
        fix = FOR_THIS_PROCESSOR if illegal else failure.hint or REINSTALL
        fix = "\n".join([*_without_own_libraries(), fix])
        yield Finding("problem", what, f"{failure.sentence}{why}", fix, _own_folders())
        return
    backends = ", ".join(said["backends"]) or "backends that it does not name"
    detail = f"{said['version']} in llama-cpp-python {installed}, with {backends}"
    if folder := os.environ.get("LLAMA_CPP_LIB_PATH"):
        detail += f", from {folder}"
    if _LEAST <= _numbers(installed) < _BELOW:
        yield Finding("ok", what, detail, private=_own_folders())
    else:
        yield Finding("warning", what, f"{detail}: vlm was made for {REQUIREMENT}", REINSTALL, _own_folders())


def _own_folders() -> tuple[str, ...]:
    """Where the user wants libraries to be loaded from instead."""
    return tuple(filter(None, map(os.environ.get, _VARIABLES)))


def _without_own_libraries() -> list[str]:
    return [f"unset {' '.join(filter(os.environ.get, _VARIABLES))}"] if _own_folders() else []


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:3] if part.isdecimal())


def processor(patient: Patient) -> Iterator[Finding]:
    """What the build uses of the processor against what that has."""
    try:
        features = patient.build()["features"]
    except ChildFailed:
        return
    name, has = processor_name(), features_of_processor()
    what, uses = "processor", _used(features)
    if not has:
        yield Finding("ok", what, f"{name}: the build uses {uses}")
        return
    if missing := lacking(features, has):
        detail = f"{name} has no {', '.join(missing)}, which this build of llama.cpp uses: it will crash"
        yield Finding("problem", what, detail, FOR_THIS_PROCESSOR)
    elif idle := unused(features, has):
        detail = f"{name} has {', '.join(idle)}, and this build of llama.cpp does not use it: answers take longer"
        yield Finding("warning", what, detail, FOR_THIS_PROCESSOR)
    else:
        yield Finding("ok", what, f"{name}: the build uses {uses}")


def _used(features: str) -> str:
    """`AVX2, AVX512`: the names that are on."""
    pairs = (part.rpartition(":")[2].split("=") for part in features.split("|"))
    return (
        ", ".join(pair[0].strip() for pair in pairs if len(pair) == 2 and pair[1].strip() == "1") or "nothing special"
    )


def devices(patient: Patient) -> Iterator[Finding]:
    """What llama.cpp can compute with, each with its memory; and a GPU of this machine that it cannot use."""
    try:
        found = patient.build()["devices"]
    except ChildFailed:
        return
    for device in found:
        yield Finding("ok", device["name"], f"{device['description']}, {_memory_of(device)}")
    gpus = [gpu for gpu in find_gpus() if not gpu.is_integrated]
    if gpus and not any(device["is_gpu"] for device in found):
        yield Finding("warning", "GPU", *why_unused(gpus))


def _memory_of(device: dict[str, Any]) -> str:
    """Of a GPU as ggml says it; of the processor what the system, or a container, leaves us."""
    if not device["is_gpu"]:
        free_bytes, total = free_memory_bytes(), total_memory_bytes() or device["total_bytes"]
        threads = "1 thread" if (count := count_threads()) == 1 else f"{count} threads"
        return f"{threads}, {show_size(total)} of memory{f', {show_size(free_bytes)} free' if free_bytes else ''}"
    shared = ", shared with the processor" if device["is_integrated"] else ""
    free = f", {show_size(device['free_bytes'])} free"
    return f"{show_size(device['total_bytes'])} of memory{shared}{free}{_driver(device['name'])}"


def _driver(device: str) -> str:
    if not device.startswith("CUDA"):
        return ""
    try:
        line = Path("/proc/driver/nvidia/version").read_text().splitlines()[0]
    except (OSError, IndexError):
        return ""
    numbers = [word for word in line.split() if word[:1].isdigit()]
    return f", driver {numbers[0]}" if numbers else ""
