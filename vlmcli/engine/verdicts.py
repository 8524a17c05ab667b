"""What trials found, kept in the platform's folder for such things: a folder for each build, processor and driver.

What cannot be read was not kept, and what cannot be written is found again the next time.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlmcli.cache import digest_of
from vlmcli.engine.modes import Mode, TypeVerdict
from vlmcli.state import keep, state_path

VERSION = 1
"""Grows when a trial tries something else than before."""

_CPUINFO = Path("/proc/cpuinfo")
_TOLD_OF_CPUS = ("model name", "vendor_id", "flags", "Features", "CPU implementer", "CPU part", "isa", "cpu", "uarch")
_DRIVERS = (Path("/proc/driver/nvidia/version"), Path("/sys/module/nvidia/version"), Path("/sys/module/amdgpu/version"))
_GPU_BACKENDS = ("cuda", "hip", "vulkan", "metal", "sycl", "opencl", "cann", "musa", "rpc", "webgpu")


@dataclass(frozen=True, slots=True)
class Build:
    """llama.cpp's libraries on this processor and driver. `key`: a digest of them all.

    `with_gpu`: it may have a GPU, and may use it.
    """

    key: str
    with_gpu: bool = False

    def load(self, type: str) -> TypeVerdict | None:
        """What was found of weights of this type; None: nothing yet."""
        try:
            return _parsed(json.loads(state_path(*self._place(f"{type}.json")).read_text()))
        except (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def keep(self, verdict: TypeVerdict) -> None:
        failures = {str(mode): how for mode, how in verdict.failures.items()}
        about = {"type": verdict.type, "mode": verdict.mode, "failures": failures, "gpu_failure": verdict.gpu_failure}
        keep(json.dumps(about), *self._place(f"{verdict.type}.json"))

    def was_told(self, what: str) -> bool:
        """Whether this was said before."""
        with contextlib.suppress(OSError, RuntimeError):
            return state_path(*self._place(_name_of(what))).exists()
        return False

    def note_told(self, what: str) -> None:
        keep(what, *self._place(_name_of(what)))

    def _place(self, name: str) -> tuple[str, str, str]:
        return "builds", self.key[:32], name


def _name_of(what: str) -> str:
    return f"told-{digest_of(what)[:16]}"


def _parsed(said: dict[str, Any]) -> TypeVerdict:
    failures = {Mode(mode): str(how) for mode, how in said["failures"].items()}
    return TypeVerdict(str(said["type"]), Mode(said["mode"]), failures, str(said["gpu_failure"]))


def identify_build(libraries: list[str], with_gpu: bool = True) -> Build:
    """`libraries`: their names, sizes and times. `with_gpu`: a GPU that this build knows may be used."""
    gpu = with_gpu and any(f"ggml-{backend}" in line.lower() for line in libraries for backend in _GPU_BACKENDS)
    return Build(digest_of(VERSION, *libraries, *processor(), *(drivers() if gpu else ())), gpu)


def processor(cpuinfo: Path = _CPUINFO) -> list[str]:
    """The processor's model and features, as the system tells them; without its speed, which changes."""
    with contextlib.suppress(OSError):
        first, _, _ = cpuinfo.read_text(errors="replace").partition("\n\n")
        lines = (line.partition(":") for line in first.splitlines())
        if found := [f"{key.strip()}: {value.strip()}" for key, _, value in lines if key.strip() in _TOLD_OF_CPUS]:
            return found
    import platform

    return [platform.machine(), platform.processor()]


def drivers() -> list[str]:
    """The versions of what stands between llama.cpp and a GPU; a new system may bring a new one."""
    import platform

    found = [platform.release()]
    for path in _DRIVERS:
        with contextlib.suppress(OSError):
            found.append(path.read_text(errors="replace").strip())
    return found
