"""The GPUs in this machine, found without any library of theirs, and how to build llama.cpp for them."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vlmcli.machine.llama_package import REINSTALL
from vlmcli.machine.system_files import read

Maker = Literal["NVIDIA", "AMD", "Intel", "Apple"]

_ROOT = Path("/")
_MAKERS: dict[str, Maker] = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}
_PREBUILT = "https://abetlen.github.io/llama-cpp-python/whl/cu124"


@dataclass(frozen=True, slots=True)
class Gpu:
    """`name`: the model, where the system says it. `has_driver`: one that programs can compute through."""

    maker: Maker
    name: str = ""
    is_integrated: bool = False
    """A part of the processor, in the processor's memory: to be quicker than the processor is not promised."""
    has_driver: bool = True

    @property
    def label(self) -> str:
        return self.name if self.maker in self.name else f"{self.maker} {self.name}".strip()


def find_gpus(root: Path = _ROOT, system: str = sys.platform, machine: str = "") -> tuple[Gpu, ...]:
    """All that can be seen from here; a container sees those that it was given. `root`: where / is."""
    if system == "darwin":
        return (Gpu("Apple"),) if (machine or platform.machine()) == "arm64" else ()
    if not system.startswith("linux"):
        return ()
    nvidia = _nvidia(root)
    others = [gpu for gpu in _cards(root) if gpu.maker != "NVIDIA" or not nvidia]
    return (*nvidia, *others)


def _nvidia(root: Path) -> list[Gpu]:
    """By the driver's device files, /dev/nvidia0 and so on; below Windows (WSL) there is one for all, /dev/dxg."""
    count = len([file for file in _glob(root / "dev", "nvidia[0-9]*") if file.name[6:].isdecimal()])
    if count:
        names = sorted(filter(None, map(_model_name, _glob(root / "proc/driver/nvidia/gpus", "*/information"))))
        return [Gpu("NVIDIA", name) for name in [*names, *[""] * count][:count]]
    in_windows = (root / "dev/dxg").exists() and (root / "usr/lib/wsl/lib/libcuda.so.1").exists()
    return [Gpu("NVIDIA")] if in_windows else []


def _model_name(information: Path) -> str:
    for line in read(information).splitlines():
        if line.startswith("Model:"):
            return line.partition(":")[2].strip()
    return ""


def _cards(root: Path) -> list[Gpu]:
    """By the graphics cards that the kernel lists. A virtual machine's own display is of no maker that computes."""
    found = []
    for card in _glob(root / "sys/class/drm", "card[0-9]*"):
        maker = _MAKERS.get(read(card / "device/vendor"))
        if maker is None or not card.name[4:].isdecimal():
            continue  # card0-HDMI-A-1 is a plug
        integrated = _is_integrated(card, maker)
        driver = {"NVIDIA": False, "AMD": (root / "dev/kfd").exists(), "Intel": True}[maker]
        found.append(Gpu(maker, is_integrated=integrated, has_driver=driver))
    return found


def _is_integrated(card: Path, maker: Maker) -> bool:
    """Intel's is always at 00:02.0; of AMD's one, memory of its own is what the firmware lends it, at most 2 GB."""
    if maker == "Intel":
        return _slot(card).endswith(":00:02.0")
    own = read(card / "device/mem_info_vram_total")
    return maker == "AMD" and own.isdecimal() and int(own) <= 2 << 30


def _slot(card: Path) -> str:
    """`0000:03:00.0`"""
    for line in read(card / "device/uevent").splitlines():
        if line.startswith("PCI_SLOT_NAME="):
            return line.partition("=")[2]
    return ""


def why_unused(gpus: Sequence[Gpu]) -> tuple[str, str]:
    """Why a llama.cpp that finds no GPU does not, where these are in the machine; and what to type."""
    usable = [gpu for gpu in gpus if gpu.has_driver]
    if usable:
        best = min(usable, key=lambda gpu: gpu.is_integrated)
        return f"this build of llama.cpp cannot use the {best.label} GPU of this machine", reinstall_command(best)
    if gpus:
        return f"the {gpus[0].label} GPU of this machine has no driver to compute through", "Install its maker's driver"
    return "no GPU is to be seen on this machine", "--gpu auto uses one where there is one"


def reinstall_command(gpu: Gpu, has_compiler: bool | None = None) -> str:
    """What to type so that llama.cpp can use this GPU. `has_compiler`: nvcc is here; None looks for it."""
    if gpu.maker == "NVIDIA":
        if has_compiler if has_compiler is not None else shutil.which("nvcc") is not None:
            return f'CMAKE_ARGS="-DGGML_CUDA=on" {REINSTALL}'
        return f"{REINSTALL} --only-binary llama-cpp-python --extra-index-url {_PREBUILT}"
    option = {"AMD": "GGML_HIP", "Intel": "GGML_VULKAN", "Apple": "GGML_METAL"}[gpu.maker]
    return f'CMAKE_ARGS="-D{option}=on" {REINSTALL}'


def _glob(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []
