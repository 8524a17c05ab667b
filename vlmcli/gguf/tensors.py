"""Tensors as a header lists them, and the types that their numbers are stored in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

# ggml type number -> (name, weights in a block, bytes of a block); ggml/include/ggml.h and src/ggml-common.h
TENSOR_TYPES: Mapping[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    9: ("Q8_1", 32, 36),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1),
    25: ("I16", 1, 2),
    26: ("I32", 1, 4),
    27: ("I64", 1, 8),
    28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
    40: ("NVFP4", 64, 36),
    41: ("Q1_0", 128, 18),
    42: ("Q2_0", 64, 18),
}

_BLOCKS = {name: (weights, size_bytes) for name, weights, size_bytes in TENSOR_TYPES.values()}


@dataclass(frozen=True, slots=True)
class Tensor:
    """`shape` as GGUF stores it, the fastest dimension first. `offset`: bytes from the start of the tensor data."""

    shape: tuple[int, ...]
    type: str
    """As ggml names it, Q4_K; `type 99` for one that is newer than this table."""
    offset: int

    @property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def block(self) -> tuple[int, int]:
        """Weights and bytes of a block; (1, 0) for a type that is not known here."""
        return _BLOCKS.get(self.type, (1, 0))

    @property
    def size_bytes(self) -> int:
        """0 for a type that is not known here."""
        weights, size_bytes = self.block
        return self.elements // weights * size_bytes


def type_name(number: int) -> str:
    return TENSOR_TYPES[number][0] if number in TENSOR_TYPES else f"type {number}"
