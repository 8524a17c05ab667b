"""ggml's CPU_REPACK buffers, asked for by name: interleaved weights without the other layouts of a processor.

llama.cpp takes all extra layouts or none; its tensor_buft_overrides put single weights where they are told to.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterable, Mapping

from vlmcli.engine.llama.bindings import find_function, llama
from vlmcli.gguf import TENSOR_TYPES, Tensor

_NAME = b"CPU_REPACK"
_CPU = 0  # ggml-backend.h, enum ggml_backend_dev_type
_F32 = 0
_ROWS = 512  # of the other factor, as llama.cpp asks
_SCRATCH_BYTES = 1 << 16
_MATRIX = re.compile(
    r"(?:blk\.(?P<layer>\d+)\.)?(?P<name>attn_(?:q|k|v|qkv|output)|ffn_(?:gate|up|down)|output)\.weight"
)
"""Weights that are only ever multiplied by: nobody reads single rows of them."""
_NUMBERS = {name: number for number, (name, _weights, _bytes) in TENSOR_TYPES.items()}
_POINTER, _SIZE = ctypes.c_void_p, ctypes.c_size_t


class _Override(ctypes.Structure):
    """llama.h, struct llama_model_tensor_buft_override."""

    _fields_ = (("pattern", ctypes.c_char_p), ("buffer_type", ctypes.c_void_p))


class _Scratch(ctypes.Structure):
    """ggml.h, struct ggml_init_params."""

    _fields_ = (("size_bytes", ctypes.c_size_t), ("buffer", ctypes.c_void_p), ("no_alloc", ctypes.c_bool))


class Repacked:
    """Overrides for the weights among `tensors` that can be repacked. None where this build has no such buffers.

    The array must live as long as the model that is loaded with it.
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        buffer_type = _find_buffer_type()
        patterns = _patterns(_repackable(tensors, buffer_type)) if buffer_type else []
        entries = [_Override(pattern, buffer_type) for pattern in patterns]
        self._array = (_Override * (len(entries) + 1))(*entries)  # the last one, of zeros, ends it

    @property
    def pointer(self) -> int:
        return ctypes.addressof(self._array)


def _repackable(tensors: Mapping[str, Tensor], buffer_type: int) -> list[str]:
    known: dict[tuple[str, tuple[int, ...]], bool] = {}
    names = []
    for name, tensor in tensors.items():
        kind = tensor.type, tensor.shape
        if len(tensor.shape) != 2 or not _MATRIX.fullmatch(name):
            continue
        if kind not in known:
            known[kind] = _is_taken(*kind, buffer_type)
        if known[kind]:
            names.append(name)
    return names


def _patterns(names: Iterable[str]) -> list[bytes]:
    """A few regular expressions for many names: llama.cpp compiles all of them again for each weight."""
    layers: dict[str, list[str]] = {}
    for name in names:
        if found := _MATRIX.fullmatch(name):
            layers.setdefault(found["name"], []).append(found["layer"] or "")
    return [_pattern(name, numbers).encode() for name, numbers in layers.items()]


def _pattern(name: str, layers: list[str]) -> str:
    return rf"^blk\.({'|'.join(layers)})\.{name}\.weight$" if all(layers) else rf"^{name}\.weight$"


def _find_buffer_type() -> int | None:
    """As ggml hands it out for the processor; None where this build has none, or does not export what is needed."""
    registry_of = find_function("ggml_backend_dev_backend_reg", _POINTER, _POINTER)
    get = find_function("ggml_backend_reg_get_proc_address", _POINTER, _POINTER, ctypes.c_char_p)
    name_of = find_function("ggml_backend_buft_name", ctypes.c_char_p, _POINTER)
    device = _cpu_device()
    if not device or registry_of is None or get is None or name_of is None:
        return None
    address = get(registry_of(device), b"ggml_backend_dev_get_extra_bufts")
    if not address:
        return None
    listed = ctypes.CFUNCTYPE(ctypes.POINTER(_POINTER), _POINTER)(address)(device)
    for index in range(64):
        if not listed or not (found := listed[index]):
            return None
        if name_of(found) == _NAME:
            return int(found)
    return None


def _cpu_device() -> int | None:
    llama.llama_backend_init()
    by_type = find_function("ggml_backend_dev_by_type", _POINTER, ctypes.c_int)
    return by_type(_CPU) if by_type else None


def _is_taken(type: str, shape: tuple[int, ...], buffer_type: int) -> bool:
    """Whether a product with such a weight can be computed from the buffer: ggml is asked as llama.cpp asks it."""
    init = find_function("ggml_init", _POINTER, _Scratch)
    free = find_function("ggml_free", None, _POINTER)
    if init is None or free is None or type not in _NUMBERS:
        return False
    context = init(_Scratch(_SCRATCH_BYTES, None, True))
    try:
        return _computes(context, _NUMBERS[type], shape, buffer_type)
    finally:
        free(context)


def _computes(context: int, type: int, shape: tuple[int, ...], buffer_type: int) -> bool:
    tensor = find_function("ggml_new_tensor_2d", _POINTER, _POINTER, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    product = find_function("ggml_mul_mat", _POINTER, _POINTER, _POINTER, _POINTER)
    allocate = find_function("ggml_backend_buft_alloc_buffer", _POINTER, _POINTER, _SIZE)
    release = find_function("ggml_backend_buffer_free", None, _POINTER)
    supports = find_function("ggml_backend_dev_supports_op", ctypes.c_bool, _POINTER, _POINTER)
    if tensor is None or product is None or allocate is None or release is None or supports is None:
        return False
    weight = tensor(context, type, *shape)
    result = product(context, weight, tensor(context, _F32, shape[0], _ROWS))
    # ggml.h, struct ggml_tensor: the type, the buffer, then the four sizes, 8 bytes each.
    fields = ctypes.cast(weight, ctypes.POINTER(ctypes.c_int64))
    if (fields[2], fields[3]) != shape:
        return False
    buffer = allocate(buffer_type, 0)
    fields[1] = buffer
    try:
        return bool(supports(_cpu_device(), result))
    finally:
        fields[1] = 0
        release(buffer)
