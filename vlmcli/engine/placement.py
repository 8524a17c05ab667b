"""What a model weighs, piece by piece, and where its pieces go."""

from __future__ import annotations

from dataclasses import dataclass

F16, Q8_0 = "f16", "q8_0"
_BLOCK_OF_Q8_0 = 34, 64  # bytes of 32 numbers, and of the same 32 as f16


@dataclass(frozen=True, slots=True)
class ModelSizes:
    """Bytes of an open model. `units` and `kv_units` (f16, of one token): each layer, then the output."""

    units: tuple[int, ...]
    kv_units: tuple[int, ...]
    rest_bytes: int
    """Of the weights that stay with the processor in any case."""
    compute_bytes: int
    """To compute in, on each device that has a part of the decoder."""
    projector_bytes: int
    """Weights, and room to encode a picture in."""

    @property
    def total_bytes(self) -> int:
        """Without KV."""
        return sum(self.units) + self.rest_bytes + self.compute_bytes + self.projector_bytes


@dataclass(frozen=True, slots=True)
class OffloadPlan:
    """`counts`: units on each of `devices`, which are filled in this order. `projector`: its device's name, or ""."""

    devices: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    projector: str = ""
    kv_type: str = F16
    context_tokens: int = 0
    margins_bytes: tuple[int, ...] = ()
    """What stays free on each device by this arithmetic."""

    @property
    def n_layers(self) -> int:
        """On GPUs, as llama.cpp counts: the output is one of them."""
        return sum(self.counts)


ALL_ON_PROCESSOR = OffloadPlan()


def kv_bytes(f16_bytes: int, kv_type: str) -> int:
    """What takes so many bytes as f16, in another type."""
    block, of_f16 = _BLOCK_OF_Q8_0
    return -(-f16_bytes * block // of_f16) if kv_type == Q8_0 else f16_bytes
