"""What a GGUF file says of itself, as typed questions: a header may hold anything under any key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vlmcli.gguf.tensors import Tensor
from vlmcli.gguf.widths import projected_width

Value = int | float | bool | str | tuple[Any, ...]

_LARGEST_NUMBER = 2**63 - 1
_TILED_SIZES = "clip.vision.image_grid_pinpoints"
LLAVA_PROJECTORS = frozenset({"mlp", "mlp_norm", "ldp", "ldpv2"})
"""Types of projectors that came with LLaVA, and with MobileVLM after it."""


@dataclass(frozen=True, slots=True)
class Header:
    """Long arrays (the vocabulary) are counted in `lengths`, and not kept: their value is ()."""

    path: Path
    size_bytes: int
    metadata: Mapping[str, Value] = field(repr=False)
    tensors: Mapping[str, Tensor] = field(repr=False)
    lengths: Mapping[str, int] = field(default_factory=dict, repr=False)

    def text(self, key: str) -> str:
        """A text under `key`; "" where there is none, or something else."""
        value = self.metadata.get(self._full(key))
        return value if isinstance(value, str) else ""

    def number(self, key: str, default: int = 0) -> int:
        """An integer of 0 or more under `key`; the largest of an array with one for each layer.

        `{arch}` in the key stands for the architecture. `default` where there is none, or something else.
        """
        return max(self.numbers(key), default=default)

    def numbers(self, key: str) -> tuple[int, ...]:
        """The integers under `key`, one or an array of them; those that are none, or below 0, are left out."""
        value = self.metadata.get(self._full(key))
        values = value if isinstance(value, tuple) else (value,)
        return tuple(v for v in values if isinstance(v, int) and type(v) is int and 0 <= v <= _LARGEST_NUMBER)

    def _full(self, key: str) -> str:
        return key.replace("{arch}", self.architecture)

    @property
    def architecture(self) -> str:
        value = self.metadata.get("general.architecture")
        return value if isinstance(value, str) else ""

    @property
    def is_projector(self) -> bool:
        return self.architecture in ("clip", "mmproj")

    @property
    def has_vision(self) -> bool:
        return bool(self.metadata.get("clip.has_vision_encoder", "clip.vision.block_count" in self.metadata))

    @property
    def projector_type(self) -> str:
        return self.text("clip.projector_type") or self.text("clip.vision.projector_type")

    @property
    def is_llava(self) -> bool:
        return self.projector_type in LLAVA_PROJECTORS

    @property
    def has_tiles(self) -> bool:
        """Whether a picture may be cut into several, each seen at full size."""
        return bool(self.lengths.get(_TILED_SIZES))

    @property
    def tiled_sizes(self) -> tuple[tuple[int, int], ...]:
        """Widths and heights in pixels that a picture may be cut into tiles at (LLaVA 1.6)."""
        numbers = self.numbers(_TILED_SIZES)
        return tuple(zip(numbers[::2], numbers[1::2], strict=False))

    @property
    def has_chat_template(self) -> bool:
        return bool(self.text("tokenizer.chat_template"))

    @property
    def weight_types(self) -> frozenset[str]:
        return frozenset(tensor.type for tensor in self.tensors.values())

    @property
    def main_type(self) -> str:
        """The type that most bytes are stored in; "" without tensors."""
        sizes: Counter[str] = Counter()
        for tensor in self.tensors.values():
            sizes[tensor.type] += tensor.size_bytes
        return sizes.most_common(1)[0][0] if sizes else ""

    @property
    def weights_bytes(self) -> int:
        """Of the tensors of this file; of the whole file where the size of one is not known."""
        sizes = [tensor.size_bytes for tensor in self.tensors.values()]
        return sum(sizes) if all(sizes) else self.size_bytes

    @property
    def parameters(self) -> int:
        """Weights in this file's tensors."""
        return sum(tensor.elements for tensor in self.tensors.values())

    @property
    def vocabulary_size(self) -> int:
        return self.lengths.get("tokenizer.ggml.tokens", 0) or self.number("{arch}.vocab_size")

    @property
    def width(self) -> int:
        """Numbers in a row that the decoder takes, or that the projector gives; 0 where the header does not say.

        A decoder with deepstack layers takes a row for each of them too (llama_hparams::n_embd_inp).
        """
        if self.is_projector:
            return projected_width(self.projector_type, self.tensors)
        deepstack = self.number("{arch}.n_deepstack_layers") or len(set(self.numbers("{arch}.deepstack_mapping")))
        return self.number("{arch}.embedding_length") * (1 + deepstack)

    @property
    def kv_bytes_per_token(self) -> int:
        """Bytes of an f16 KV cache for one token: both halves, all layers that have one.

        An upper bound where some layers look at a window only, or keep a state in its place.
        """
        layers = self.number("{arch}.block_count")
        heads = self.number("{arch}.attention.head_count", 1)
        kv_heads = self.numbers("{arch}.attention.head_count_kv")
        of_all_layers = sum(kv_heads) if len(kv_heads) == layers else layers * max(kv_heads, default=heads)
        return of_all_layers * sum(self.head_sizes) * 2

    @property
    def head_sizes(self) -> tuple[int, int]:
        """Numbers in a key and in a value of one attention head; the largest of all layers'."""
        even = self.number("{arch}.embedding_length") // max(self.number("{arch}.attention.head_count", 1), 1)
        return self.number("{arch}.attention.key_length", even), self.number("{arch}.attention.value_length", even)
