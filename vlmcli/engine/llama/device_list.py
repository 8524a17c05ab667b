"""The devices that this build of llama.cpp can use now, asked from ggml, whose functions the bindings do not wrap."""

from __future__ import annotations

import ctypes
import platform

from vlmcli.core import Device
from vlmcli.engine.llama import logs
from vlmcli.engine.llama.bindings import find_function, llama

_CPU = 0  # ggml-backend.h, enum ggml_backend_dev_type: CPU, GPU, IGPU, ACCEL
_GPUS = (1, 2)
_INTEGRATED = 2


def list_devices() -> tuple[Device, ...]:
    """The processor first, then what accelerates. Empty where this build does not export what is needed."""
    logs.install_unless_done()
    devices = [_describe(pointer) for pointer in _pointers()]
    return tuple(sorted(filter(None, devices), key=lambda device: device.is_gpu))


def find_pointer(name: str) -> int | None:
    """ggml's handle of the device of this name."""
    name_of = find_function("ggml_backend_dev_name", ctypes.c_char_p, ctypes.c_void_p)
    return next((p for p in _pointers() if name_of is not None and _text(name_of(p)) == name), None)


def _pointers() -> list[int]:
    llama.llama_backend_init()  # loads backends that come as libraries of their own
    count = find_function("ggml_backend_dev_count", ctypes.c_size_t)
    get = find_function("ggml_backend_dev_get", ctypes.c_void_p, ctypes.c_size_t)
    return [get(index) for index in range(count())] if count is not None and get is not None else []


def _describe(pointer: int) -> Device | None:
    name = find_function("ggml_backend_dev_name", ctypes.c_char_p, ctypes.c_void_p)
    description = find_function("ggml_backend_dev_description", ctypes.c_char_p, ctypes.c_void_p)
    kind = find_function("ggml_backend_dev_type", ctypes.c_int, ctypes.c_void_p)
    sizes = ctypes.POINTER(ctypes.c_size_t)
    memory = find_function("ggml_backend_dev_memory", None, ctypes.c_void_p, sizes, sizes)
    if name is None or description is None or kind is None or memory is None:
        return None
    number = kind(pointer)
    if number != _CPU and number not in _GPUS:
        return None  # an accelerator of the processor's own products: it has no memory to fill
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    memory(pointer, ctypes.byref(free), ctypes.byref(total))
    names = _text(name(pointer)), _text(description(pointer))
    return Device(*names, number in _GPUS, free.value, total.value, number == _INTEGRATED or _is_apples(names[0]))


def _is_apples(name: str) -> bool:
    """ggml calls Apple's GPU one with memory of its own."""
    return name.startswith(("Metal", "MTL")) and platform.machine() == "arm64"


def _text(words: bytes | None) -> str:
    return (words or b"").decode("utf-8", "replace").strip()
