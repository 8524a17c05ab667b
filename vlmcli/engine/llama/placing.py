"""A plan of what goes where, as llama.cpp wants to be told."""

from __future__ import annotations

import ctypes
from typing import Any

from vlmcli.engine.llama.bindings import llama
from vlmcli.engine.llama.device_list import find_pointer
from vlmcli.engine.placement import ALL_ON_PROCESSOR, OffloadPlan

_BY_LAYERS = 1  # llama.h, enum llama_split_mode


class Placing:
    """Owns what C reads while a model is opened: keep it until then."""

    def __init__(self, plan: OffloadPlan) -> None:
        self.plan = plan
        used = [(find_pointer(name), count) for name, count in zip(plan.devices, plan.counts, strict=True) if count]
        self._devices = (ctypes.c_void_p * (len(used) + 1))(*(pointer for pointer, _ in used), None)
        self._shares = (ctypes.c_float * max(llama.LLAMA_MAX_DEVICES, len(used)))(*(count for _, count in used))

    def set_decoder(self, params: Any) -> None:
        """Fields of llama_model_params. No device at all is an empty list: NULL would mean all of them."""
        params.devices = ctypes.cast(self._devices, ctypes.c_void_p)
        params.n_gpu_layers = self.plan.n_layers
        params.split_mode = _BY_LAYERS
        params.main_gpu = 0
        params.tensor_split = self._shares

    def set_projector(self, params: Any) -> None:
        """Fields of mtmd_context_params."""
        params.use_gpu = bool(self.plan.projector)
        params.device = find_pointer(self.plan.projector) if self.plan.projector else None


ON_PROCESSOR = Placing(ALL_ON_PROCESSOR)
