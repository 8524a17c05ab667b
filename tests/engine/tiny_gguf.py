"""Writes small GGUF files for tests: any metadata, any tensors, vocabularies with the control tokens of a family."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6


class Typed(NamedTuple):
    """A value of a type that Python does not have, or of one that is wrong: GGUF's number of it, and its bytes."""

    kind: int
    data: bytes


def string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def value(item: Any) -> bytes:
    """A typed value as GGUF has it: integers as u32, in lists as i32; a list is an array of its first item's type."""
    if isinstance(item, Typed):
        return struct.pack("<I", item.kind) + item.data
    if isinstance(item, bool):
        return struct.pack("<I?", 7, item)
    if isinstance(item, int):
        return struct.pack("<II", 4, item)
    if isinstance(item, float):
        return struct.pack("<If", 6, item)
    if isinstance(item, str):
        return struct.pack("<I", 8) + string(item)
    kind = struct.pack("<I", 5) if isinstance(item[0], int) else value(item[0])[:4]
    return struct.pack("<I", 9) + kind + struct.pack("<Q", len(item)) + b"".join(value(i)[4:] for i in item)


def gguf(metadata: Mapping[str, Any], tensors: Sequence[tuple[str, tuple[int, ...], int, bytes]] = ()) -> bytes:
    """A whole file: `tensors` are (name, shape, ggml type number, data)."""
    out = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    out += b"".join(string(key) + value(item) for key, item in metadata.items())
    offset = 0
    for name, shape, kind, data in tensors:
        out += string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)
        offset += -(-len(data) // 32) * 32
    out += bytes(-len(out) % 32)
    return out + b"".join(data + bytes(-len(data) % 32) for _, _, _, data in tensors)


def spm_vocabulary(control: Sequence[str], words: Sequence[str] = ()) -> dict[str, Any]:
    """A SentencePiece vocabulary: <unk> <s> </s>, `control`, all bytes, letters, and `words` (▁ is their space)."""
    letters = [chr(c) for c in range(33, 127)] + ["▁"]
    pieces = ["<unk>", "<s>", "</s>", *control, *(f"<0x{b:02X}>" for b in range(256)), *letters, *words]
    n_control = 3 + len(control)
    kinds = [UNKNOWN, *[CONTROL] * (n_control - 1), *[BYTE] * 256, *[NORMAL] * (len(letters) + len(words))]
    scores = [0.0] * (n_control + 256) + [-100.0] * len(letters) + [-float(i + 1) for i in range(len(words))]
    return {
        "general.architecture": "llama",
        "llama.context_length": 512,
        "llama.embedding_length": 32,
        "llama.block_count": 1,
        "llama.feed_forward_length": 32,
        "llama.attention.head_count": 1,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": 32,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": pieces,
        "tokenizer.ggml.scores": scores,
        "tokenizer.ggml.token_type": kinds,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.ggml.add_space_prefix": True,
    }


def write(
    path: Path, metadata: Mapping[str, Any], tensors: Sequence[tuple[str, tuple[int, ...], int, bytes]] = ()
) -> Path:
    path.write_bytes(gguf(metadata, tensors))
    return path
