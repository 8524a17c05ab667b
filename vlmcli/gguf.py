"""Reads the header of a GGUF file: what is in it, before anything is loaded, and safely.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3, little endian). Nothing in a
header is believed before it was held against the size of the file, so a broken or hostile one costs a sentence.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from vlmcli.errors import ModelDamaged, ModelNotFound

Value = int | float | bool | str | tuple[Any, ...]

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9
_LONGEST_KEPT_ARRAY = 64

# ggml type number -> (name, weights in a block, bytes of a block); ggml/src/ggml.c and ggml-common.h
TENSOR_TYPES: Mapping[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """`shape` as GGUF stores it, the fastest dimension first."""

    shape: tuple[int, ...]
    type: str
    offset: int

    @property
    def elements(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Header:
    """What a GGUF file says of itself. Long arrays (the vocabulary) are counted, not kept."""

    path: Path
    size_bytes: int
    metadata: Mapping[str, Value] = field(repr=False)
    tensors: Mapping[str, Tensor] = field(repr=False)

    @property
    def architecture(self) -> str:
        return str(self.metadata.get("general.architecture", ""))

    def number(self, key: str, default: int = 0) -> int:
        """An integer under `key`; `{arch}` in it stands for the architecture; the largest of a per-layer array."""
        value = self.metadata.get(key.replace("{arch}", self.architecture), default)
        if isinstance(value, tuple):
            value = max((v for v in value if isinstance(v, int)), default=default)
        return int(value) if isinstance(value, int | float) else default

    @property
    def is_projector(self) -> bool:
        return self.architecture in ("clip", "mmproj")

    @property
    def has_vision(self) -> bool:
        return bool(self.metadata.get("clip.has_vision_encoder", "clip.vision.block_count" in self.metadata))

    @property
    def projector_type(self) -> str:
        return str(self.metadata.get("clip.projector_type") or self.metadata.get("clip.vision.projector_type") or "")

    @property
    def has_chat_template(self) -> bool:
        return bool(self.metadata.get("tokenizer.chat_template"))

    @property
    def weight_types(self) -> frozenset[str]:
        return frozenset(tensor.type for tensor in self.tensors.values())

    @property
    def width(self) -> int:
        """Numbers in a row that the decoder takes, or that the projector gives; 0 where the header does not say."""
        return _projected_width(self) if self.is_projector else self.number("{arch}.embedding_length")

    @property
    def kv_bytes_per_token(self) -> int:
        """Bytes of an f16 KV cache for one token: both halves, all layers."""
        heads = self.number("{arch}.attention.head_count", 1)
        kv_heads = self.number("{arch}.attention.head_count_kv", heads)
        head_dim = self.number("{arch}.embedding_length") // max(heads, 1)
        key = self.number("{arch}.attention.key_length", head_dim)
        value = self.number("{arch}.attention.value_length", head_dim)
        return self.number("{arch}.block_count") * kv_heads * (key + value) * 2


# The tensor whose output is the row, and which of its dimensions is the width; tools/mtmd/clip.cpp
_LAST_PROJECTIONS = ("mm.3.bias", "mm.2.bias", "mm.1.bias", "mm.model.mlp.3.bias", "mm.0.bias")


def _projected_width(header: Header) -> int:
    """Known for LLaVA's projectors, whose last bias is as wide as a row; others are left to llama.cpp."""
    if header.projector_type not in ("mlp", "mlp_norm"):
        return 0
    for name in _LAST_PROJECTIONS:
        if name in header.tensors:
            return header.tensors[name].shape[0]
    return 0


def read_header(path: Path) -> Header:
    """Read and check a GGUF header. Raises ModelNotFound or ModelDamaged with a sentence about the file."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if size < 24:
                raise ModelDamaged(f"{path} is not a model: it holds {size} bytes.", _FETCH_AGAIN)
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _Reader(path, data, size).header()
    except FileNotFoundError:
        raise ModelNotFound(f"There is no file {path}.", "Check the path; vlm --model demo needs no file.") from None
    except IsADirectoryError:
        raise ModelNotFound(f"{path} is a folder.", "Name the .gguf file inside it.") from None
    except OSError as error:
        raise ModelNotFound(f"{path} cannot be read: {error.strerror}.") from None
    except (struct.error, IndexError, OverflowError):
        raise ModelDamaged(f"{path} is damaged: its header ends too early.", _FETCH_AGAIN) from None


_FETCH_AGAIN = "Download the file again and compare its size with the one on the model's page."


class _Reader:
    """Walks a header once. Every count is checked against what is left of the file."""

    def __init__(self, path: Path, data: mmap.mmap, size: int) -> None:
        self.path, self.data, self.size, self.at = path, data, size, 0

    def damaged(self, why: str) -> ModelDamaged:
        return ModelDamaged(f"{self.path} is damaged: {why}.", _FETCH_AGAIN)

    def header(self) -> Header:
        self.check_magic()
        version = self.scalar("<I")
        if version not in (2, 3):
            big_endian = version in (2 << 24, 3 << 24)
            raise ModelDamaged(
                f"{self.path} is {'a big-endian GGUF file' if big_endian else f'GGUF version {version}'},"
                " which vlm does not read.",
                "Look for a newer conversion of the model.",
            )
        n_tensors, n_pairs = self.count(24), self.count(12)
        metadata = dict(self.pair() for _ in range(n_pairs))
        tensors = dict(self.tensor() for _ in range(n_tensors))
        self.check_length(metadata, tensors)
        return Header(self.path, self.size, metadata, tensors)

    def check_magic(self) -> None:
        start = self.data[:64]
        self.at = 4
        if start[:4] == b"GGUF":
            return
        if start.startswith(b"version https://git-lfs"):
            raise self.damaged("it is a Git LFS pointer and not the file itself")
        if start.lstrip().lower().startswith((b"<!doctype", b"<html")):
            raise self.damaged("it is a web page saved under that name")
        raise ModelDamaged(f"{self.path} is not a GGUF file.", "vlm runs models in GGUF format: name a .gguf file.")

    def scalar(self, layout: str) -> Any:
        value = struct.unpack_from(layout, self.data, self.at)[0]
        self.at += struct.calcsize(layout)
        return value

    def count(self, least_bytes_each: int) -> int:
        """A 64-bit count of things that take at least so many bytes each: more than the file can hold is a lie."""
        count: int = self.scalar("<Q")
        if count * least_bytes_each > self.size - self.at:
            raise self.damaged("its header counts more than the file holds")
        return count

    def string(self) -> str:
        length = self.count(1)
        self.at += length
        return self.data[self.at - length : self.at].decode("utf-8", "replace")

    def pair(self) -> tuple[str, Value]:
        return self.string(), self.value(self.scalar("<I"))

    def value(self, kind: int) -> Value:
        if kind in _SCALARS:
            scalar: Value = self.scalar(_SCALARS[kind])
            return scalar
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            return self.array(self.scalar("<I"))
        raise self.damaged(f"its header holds a value of unknown type {kind}")

    def array(self, kind: int) -> tuple[Any, ...]:
        if kind == _STRING:
            return self.strings(self.count(8))
        if kind not in _SCALARS:
            raise self.damaged(f"its header holds an array of unknown type {kind}")
        layout = _SCALARS[kind]
        each = struct.calcsize(layout)
        count = self.count(each)
        start, self.at = self.at, self.at + count * each
        if count > _LONGEST_KEPT_ARRAY:
            return ()
        return struct.unpack_from(f"<{count}{layout[1]}", self.data, start)

    def strings(self, count: int) -> tuple[str, ...]:
        if count <= _LONGEST_KEPT_ARRAY:
            return tuple(self.string() for _ in range(count))
        data, at, end, length_at = self.data, self.at, self.size, struct.Struct("<Q").unpack_from
        for _ in range(count):
            at += 8 + length_at(data, at)[0]
            if at > end:
                raise self.damaged("a word of its vocabulary reaches past the end of the file")
        self.at = at
        return ()

    def tensor(self) -> tuple[str, Tensor]:
        name = self.string()
        n_dims = self.scalar("<I")
        if not 1 <= n_dims <= 4:
            raise self.damaged(f"its tensor {name[:60]!r} has {n_dims} dimensions")
        shape = tuple(self.scalar("<Q") for _ in range(n_dims))
        kind, offset = self.scalar("<I"), self.scalar("<Q")
        return name, Tensor(shape, TENSOR_TYPES.get(kind, (f"type {kind}", 0, 0))[0], offset)

    def check_length(self, metadata: Mapping[str, Value], tensors: Mapping[str, Tensor]) -> None:
        """The last tensor must end inside the file: a download cut short shows here."""
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or alignment <= 0:
            raise self.damaged("its alignment is not a number")
        data_start = -(-self.at // alignment) * alignment
        sizes = {name: (weights, size) for name, weights, size in TENSOR_TYPES.values()}
        for name, tensor in tensors.items():
            weights, size = sizes.get(tensor.type, (1, 0))
            if data_start + tensor.offset + tensor.elements // weights * size > self.size:
                raise self.damaged(f"it ends before its tensor {name[:60]!r} does")
