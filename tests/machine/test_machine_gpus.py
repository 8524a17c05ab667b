"""GPUs as the system shows them, on made-up machines; and what to type for each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.machine.test_machine_processors import write
from vlmcli.machine import Gpu, find_gpus, reinstall_command, why_unused

H200 = {
    "dev/nvidia0": "",
    "dev/nvidiactl": "",
    "dev/nvidia-uvm": "",
    "proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: \t\t NVIDIA H200\nIRQ: 1",
}


def card(number: int, vendor: str, slot: str = "0000:03:00.0", **more: str) -> dict[str, str]:
    folder = f"sys/class/drm/card{number}/device"
    files = {f"{folder}/vendor": vendor, f"{folder}/uevent": f"DRIVER=x\nPCI_SLOT_NAME={slot}"}
    return {
        **files,
        f"sys/class/drm/card{number}-HDMI-A-1/status": "off",
        **{f"{folder}/{k}": v for k, v in more.items()},
    }


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, ()),
        (H200, (Gpu("NVIDIA", "NVIDIA H200"),)),
        ({**H200, **card(0, "0x10de")}, (Gpu("NVIDIA", "NVIDIA H200"),)),
        ({"dev/nvidia0": "", "dev/nvidia1": ""}, (Gpu("NVIDIA"), Gpu("NVIDIA"))),
        (card(0, "0x10de"), (Gpu("NVIDIA", has_driver=False),)),
        ({"dev/dxg": "", "usr/lib/wsl/lib/libcuda.so.1": ""}, (Gpu("NVIDIA"),)),
        ({"dev/dxg": ""}, ()),
        ({**card(0, "0x1002", mem_info_vram_total=str(16 << 30)), "dev/kfd": ""}, (Gpu("AMD"),)),
        (card(0, "0x1002", mem_info_vram_total=str(16 << 30)), (Gpu("AMD", has_driver=False),)),
        (card(0, "0x1002", mem_info_vram_total=str(512 << 20)), (Gpu("AMD", "", True, False),)),
        (card(0, "0x8086", "0000:00:02.0"), (Gpu("Intel", is_integrated=True),)),
        (card(1, "0x8086", "0000:0a:00.0"), (Gpu("Intel"),)),
        (card(0, "0x1234"), ()),
        (card(0, "0x1af4"), ()),
    ],
)
def test_what_is_in_a_machine(tmp_path: Path, files: dict[str, str], found: tuple[Gpu, ...]) -> None:
    assert find_gpus(write(tmp_path, files), "linux") == found


def test_other_systems(tmp_path: Path) -> None:
    assert find_gpus(tmp_path, "darwin", "arm64") == (Gpu("Apple"),)
    assert find_gpus(tmp_path, "darwin", "x86_64") == ()
    assert find_gpus(write(tmp_path, H200), "win32") == ()


@pytest.mark.parametrize(
    ("gpu", "compiler", "parts"),
    [
        (Gpu("NVIDIA"), True, ('CMAKE_ARGS="-DGGML_CUDA=on" ', "--force-reinstall", "--no-cache-dir")),
        (Gpu("NVIDIA"), False, ("--only-binary llama-cpp-python", "--extra-index-url https://", "/whl/cu")),
        (Gpu("AMD"), None, ('CMAKE_ARGS="-DGGML_HIP=on" ',)),
        (Gpu("Intel"), None, ('CMAKE_ARGS="-DGGML_VULKAN=on" ',)),
        (Gpu("Apple"), None, ('CMAKE_ARGS="-DGGML_METAL=on" ',)),
    ],
)
def test_what_to_type(gpu: Gpu, compiler: bool | None, parts: tuple[str, ...]) -> None:
    command = reinstall_command(gpu, compiler)
    assert all(part in command for part in parts)
    assert "'llama-cpp-python>=0.3.36,<0.4'" in command
    assert "\n" not in command


def test_why_it_is_not_used() -> None:
    own, card = Gpu("Intel", is_integrated=True), Gpu("NVIDIA", "NVIDIA H200")
    assert why_unused((own, card))[0] == "this build of llama.cpp cannot use the NVIDIA H200 GPU of this machine"
    assert "llama-cpp-python" in why_unused((own, card))[1]
    assert why_unused((Gpu("AMD", has_driver=False),))[0] == (
        "the AMD GPU of this machine has no driver to compute through"
    )
    assert why_unused(())[0] == "no GPU is to be seen on this machine"
