"""What this build of llama.cpp says of itself: version, backends, features of the processor that it uses, devices."""

from __future__ import annotations

import ctypes

from vlmcli.core import LlamaBuild
from vlmcli.engine.llama.bindings import find_function, llama, system_info
from vlmcli.engine.llama.device_list import list_devices


def describe_build() -> LlamaBuild:
    devices = list_devices()  # loads backends that come as libraries of their own
    version = llama.llama_version().decode("utf-8", "replace")
    return LlamaBuild(version, _backends(), system_info().strip(" |"), devices)


def _backends() -> tuple[str, ...]:
    """ggml's names of them. Empty where this build does not export what is needed."""
    count = find_function("ggml_backend_reg_count", ctypes.c_size_t)
    get = find_function("ggml_backend_reg_get", ctypes.c_void_p, ctypes.c_size_t)
    name = find_function("ggml_backend_reg_name", ctypes.c_char_p, ctypes.c_void_p)
    if count is None or get is None or name is None:
        return ()
    return tuple((name(get(index)) or b"").decode("utf-8", "replace") for index in range(count()))
