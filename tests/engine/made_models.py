"""Models made for tests: one that says what it is told to, projectors that cut pictures into tiles or take any size."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

from tests.engine.tiny_gguf import gguf, spm_vocabulary, write
from vlmcli import demo
from vlmcli.gguf import read_header

_TYPES = {"F32": (0, 4), "F16": (1, 2)}
END = 2


def saying(path: Path, words: Sequence[str], template: str = "{{ messages[0].content }}\nASSISTANT:") -> Path:
    """A decoder that answers everything with these words, each of which is one token and stands there once.

    Its layer lets everything pass. The embedding of the n-th word points in a direction of its own, in which the
    output has the word after it; all other tokens point to the first.
    """
    width = read_header(demo.DECODER).width
    metadata = spm_vocabulary([], [*words])
    tokens: list[str] = metadata["tokenizer.ggml.tokens"]
    metadata |= {"llama.embedding_length": width, "llama.attention.head_count": width // 32}
    metadata |= {"llama.context_length": 2048, "tokenizer.chat_template": template}
    chain = [len(tokens) - len(words) + index for index in range(len(words))] + [END]
    embeddings, output = [[0.0] * width for _ in tokens], [[0.0] * width for _ in tokens]
    for token, row in enumerate(embeddings):
        row[chain.index(token) + 1 if token in chain[:-1] else 0] = 1.0
    for place, token in enumerate(chain):
        output[token][place] = 1.0
    square, middle = (width, width), metadata["llama.feed_forward_length"]
    shapes = {f"attn_{name}": square for name in ("q", "k", "v", "output")}
    shapes |= {"ffn_gate": (width, middle), "ffn_up": (width, middle), "ffn_down": (middle, width)}
    ones = struct.pack(f"<{width}f", *[1.0] * width)
    tensors = [("token_embd.weight", (width, len(tokens)), 0, _floats(embeddings))]
    tensors += [("output.weight", (width, len(tokens)), 0, _floats(output))]
    tensors += [(f"{name}.weight", (width,), 0, ones) for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm")]
    tensors += [(f"blk.0.{name}.weight", shape, 0, bytes(4 * prod(shape))) for name, shape in shapes.items()]
    return write(path, metadata, tensors)


def _floats(rows: Sequence[Sequence[float]]) -> bytes:
    return b"".join(struct.pack(f"<{len(row)}f", *row) for row in rows)


def tiled(path: Path) -> Path:
    """The projector in the box, told that it is one of LLaVA-1.6: large pictures come as an overview and tiles."""
    header, data = read_header(demo.PROJECTOR), demo.PROJECTOR.read_bytes()
    side = header.number("clip.vision.image_size")
    sizes = {name: prod(t.shape) * _TYPES[t.type][1] for name, t in header.tensors.items()}
    start = len(data) - max(t.offset + -(-sizes[name] // 32) * 32 for name, t in header.tensors.items())
    tensors = [
        (name, tuple(t.shape), _TYPES[t.type][0], data[start + t.offset : start + t.offset + sizes[name]])
        for name, t in header.tensors.items()
    ]
    metadata = {key: list(value) if isinstance(value, tuple) else value for key, value in header.metadata.items()}
    pinpoints = [side, 2 * side, 2 * side, side, 2 * side, 2 * side, 3 * side, side, side, 3 * side]
    metadata["clip.vision.image_grid_pinpoints"] = pinpoints
    path.write_bytes(gguf(metadata, tensors))
    return path


def any_size(path: Path) -> Path:
    """A projector of Qwen2-VL's kind, which takes pictures of any size: one layer, as wide as the model in the box."""
    width, n, patch = read_header(demo.DECODER).width, 32, 14
    layer = {f"attn_{name}": (n, n) for name in ("q", "k", "v", "out")} | {"ffn_up": (n, 2 * n), "ffn_down": (2 * n, n)}
    shapes: dict[str, tuple[int, ...]] = {"v.patch_embd.weight": (patch, patch, 3, n)}
    shapes["v.patch_embd.weight.1"] = shapes["v.patch_embd.weight"]
    matrices = {f"v.blk.0.{name}": shape for name, shape in layer.items()}
    for name, shape in (matrices | {"mm.0": (4 * n, 4 * n), "mm.2": (4 * n, width)}).items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[-1:]}
    for name in ("v.blk.0.ln1", "v.blk.0.ln2", "v.post_ln"):
        shapes |= {f"{name}.weight": (n,), f"{name}.bias": (n,)}
    sizes = {"image_size": 560, "patch_size": patch, "embedding_length": n, "feed_forward_length": 2 * n}
    sizes |= {"projection_dim": width, "block_count": 1, "attention.head_count": 2}
    metadata: dict[str, Any] = {f"clip.vision.{name}": size for name, size in sizes.items()}
    metadata |= {f"clip.vision.image_{name}": [0.5, 0.5, 0.5] for name in ("mean", "std")}
    metadata |= {"clip.vision.attention.layer_norm_epsilon": 1e-6, "clip.has_vision_encoder": True}
    metadata |= {"general.architecture": "clip", "clip.projector_type": "qwen2vl_merger"}
    tensors = [(name, shape, 0, bytes(4 * prod(shape))) for name, shape in shapes.items()]
    return write(path, metadata, tensors)
