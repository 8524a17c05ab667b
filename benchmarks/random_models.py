"""Writes a LLaVA-1.5-like GGUF pair of random weights with real shapes: `decoder.gguf` and `mmproj.gguf`; and
`mmproj-tiles.gguf`, which cuts pictures into tiles as LLaVA-1.6 does.

Speed and memory do not depend on what the weights are, so nothing is downloaded. The decoder has the shapes of
TinyLlama (1.1B parameters) in Q4_0 with a Q6_K output matrix, which is what `llama-quantize … Q4_0` makes of such a
model; the projector is CLIP ViT-L/14 at 336 pixels (the 23 layers that LLaVA uses) with a two-layer MLP, in f16.
The rows of the output matrix are zero for all tokens but made-up words, so that under greedy sampling the model never
ends its answer nor says what ends it: how many tokens it says is what it was allowed.

    pip install gguf && python benchmarks/random_models.py --into FOLDER
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Kind
from random_vocabulary import add_vocabulary, prompt_pieces

Array: TypeAlias = np.ndarray[Any, Any]
Tensor = tuple[str, tuple[int, ...], Kind, Callable[[], Array]]
"""Name, shape (rows first), type, and what makes its data when its turn has come: one tensor is in memory at a time."""

WIDTH, FEED_FORWARD, LAYERS, HEADS, KV_HEADS, VOCABULARY, CONTEXT = 2048, 5632, 22, 32, 4, 32000, 4096
VISION_WIDTH, VISION_FEED_FORWARD, VISION_LAYERS, VISION_HEADS, SIDE, PATCH = 1024, 4096, 23, 16, 336, 14
LLAVA_1_6_GRID = (336, 672, 672, 336, 672, 672, 1008, 336, 336, 1008)

rng = np.random.default_rng(0)


def zeros(*shape: int) -> Array:
    return np.zeros(shape, np.float32)


def normal(*shape: int) -> Array:
    """f16 with the spread that keeps a product's values near 1."""
    values = rng.standard_normal(shape, np.float32)
    return np.multiply(values, 1 / math.sqrt(math.prod(shape[1:]) or 1), out=values).astype(np.float16)


def q4_0(rows: int, columns: int, gain: float = 1.0) -> Array:
    """Blocks of 32 weights: an f16 scale, then 16 bytes of two 4-bit numbers, each 8 more than its value."""
    blocks = np.empty((rows * columns // 32, 18), np.uint8)
    blocks[:, :2] = np.array([gain / (4.32 * math.sqrt(columns))], np.float16).view(np.uint8)
    low, high = (rng.integers(1, 16, (len(blocks), 16), np.uint8) for _ in range(2))  # never 0: the mean must be 8
    blocks[:, 2:] = low | high << 4
    return blocks.reshape(rows, -1)


def q6_k(rows: int, columns: int, silent_rows: int) -> Array:
    """Blocks of 256 weights: 192 bytes of 6-bit numbers, 16 8-bit scales, an f16 scale of all; 0 in the silent rows."""
    blocks = np.empty((rows, columns // 256, 210), np.uint8)
    blocks[..., :192] = rng.integers(0, 256, (*blocks.shape[:2], 192), np.uint8)
    blocks[..., 192:208] = rng.choice(np.array([64, 256 - 64], np.uint8), (*blocks.shape[:2], 16))  # 64 and -64
    blocks[..., 208:] = np.array([1 / (64 * 18.5 * math.sqrt(columns))], np.float16).view(np.uint8)
    blocks[:silent_rows, :, 208:] = 0
    return blocks.reshape(rows, -1)


def decoder_tensors() -> Iterator[Tensor]:
    def quantized(name: str, rows: int, columns: int, gain: float = 1.0) -> Tensor:
        return f"{name}.weight", (rows, columns), Kind.Q4_0, lambda: q4_0(rows, columns, gain)

    def norm(name: str) -> Tensor:
        return f"{name}.weight", (WIDTH,), Kind.F32, lambda: zeros(WIDTH) + 1

    silent = 3 + 256 + len(prompt_pieces())
    yield "output.weight", (VOCABULARY, WIDTH), Kind.Q6_K, lambda: q6_k(VOCABULARY, WIDTH, silent)
    yield quantized("token_embd", VOCABULARY, WIDTH, gain=40)  # the last word decides the next, not what all share:
    yield norm("output_norm")
    kv_width = WIDTH // HEADS * KV_HEADS
    for block in (f"blk.{number}" for number in range(LAYERS)):
        yield norm(f"{block}.attn_norm")
        yield quantized(f"{block}.attn_q", WIDTH, WIDTH)
        yield quantized(f"{block}.attn_k", kv_width, WIDTH)
        yield quantized(f"{block}.attn_v", kv_width, WIDTH)
        yield quantized(f"{block}.attn_output", WIDTH, WIDTH, gain=0.1)  # otherwise it says one word for ever
        yield norm(f"{block}.ffn_norm")
        yield quantized(f"{block}.ffn_gate", FEED_FORWARD, WIDTH)
        yield quantized(f"{block}.ffn_up", FEED_FORWARD, WIDTH)
        yield quantized(f"{block}.ffn_down", WIDTH, FEED_FORWARD)


def projector_tensors() -> Iterator[Tensor]:
    width, feed_forward = VISION_WIDTH, VISION_FEED_FORWARD

    def linear(name: str, rows: int, columns: int) -> Iterator[Tensor]:
        yield f"{name}.weight", (rows, columns), Kind.F16, lambda: normal(rows, columns)
        yield f"{name}.bias", (rows,), Kind.F32, lambda: zeros(rows)

    def norm(name: str) -> Iterator[Tensor]:
        yield f"{name}.weight", (width,), Kind.F32, lambda: zeros(width) + 1
        yield f"{name}.bias", (width,), Kind.F32, lambda: zeros(width)

    places = (SIDE // PATCH) ** 2 + 1
    yield "v.class_embd", (width,), Kind.F32, lambda: zeros(width)
    yield "v.patch_embd.weight", (width, 3, PATCH, PATCH), Kind.F16, lambda: normal(width, 3, PATCH, PATCH)
    yield "v.position_embd.weight", (places, width), Kind.F16, lambda: normal(places, width)
    yield from norm("v.pre_ln")
    for block in (f"v.blk.{number}" for number in range(VISION_LAYERS)):
        yield from norm(f"{block}.ln1")
        for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
            yield from linear(f"{block}.{name}", width, width)
        yield from norm(f"{block}.ln2")
        yield from linear(f"{block}.ffn_up", feed_forward, width)
        yield from linear(f"{block}.ffn_down", width, feed_forward)
    yield from linear("mm.0", WIDTH, width)
    yield from linear("mm.2", WIDTH, WIDTH)


def write(writer: gguf.GGUFWriter, path: Path, tensors: list[Tensor]) -> None:
    for name, shape, kind, _ in tensors:
        block, size = gguf.GGML_QUANT_SIZES[kind]
        n_bytes = math.prod(shape) // block * size
        stored = (*shape[:-1], shape[-1] // block * size)  # the writer wants the shape of a row in bytes, if quantized
        if kind in (Kind.F32, Kind.F16):
            writer.add_tensor_info(name, shape, np.dtype(np.float32 if kind is Kind.F32 else np.float16), n_bytes)
        else:
            writer.add_tensor_info(name, stored, np.dtype(np.uint8), n_bytes, raw_dtype=kind)
    writer.write_header_to_file(path)
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for _, _, _, make in tensors:
        writer.write_tensor_data(make())
    writer.close()
    print(f"{path}  {path.stat().st_size / 1e6:.0f} MB")


def write_decoder(path: Path) -> None:
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("random TinyLlama 1.1B Q4_0")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_0)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_block_count(LAYERS)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(VOCABULARY)
    add_vocabulary(writer, VOCABULARY)
    write(writer, path, list(decoder_tensors()))


def write_projector(path: Path, grid: Sequence[int] = ()) -> None:
    """`grid`: widths and heights that a picture may be cut into tiles of; LLaVA-1.6 has five, LLaVA-1.5 none."""
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_name("random CLIP ViT-L/14-336 f16")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", "mlp")
    writer.add_bool("clip.use_gelu", False)
    for name, value in {
        "image_size": SIDE,
        "patch_size": PATCH,
        "embedding_length": VISION_WIDTH,
        "feed_forward_length": VISION_FEED_FORWARD,
        "projection_dim": WIDTH,
        "attention.head_count": VISION_HEADS,
        "block_count": VISION_LAYERS,
    }.items():
        writer.add_uint32(f"clip.vision.{name}", value)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5)
    writer.add_array("clip.vision.feature_layer", [VISION_LAYERS])
    writer.add_array("clip.vision.image_mean", [0.48145466, 0.4578275, 0.40821073])
    writer.add_array("clip.vision.image_std", [0.26862954, 0.26130258, 0.27577711])
    if grid:
        writer.add_array("clip.vision.image_grid_pinpoints", list(grid))
    write(writer, path, list(projector_tensors()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, required=True, help="folder for the three files (1.9 GB)")
    folder: Path = parser.parse_args().into
    folder.mkdir(parents=True, exist_ok=True)
    write_decoder(folder / "decoder.gguf")
    write_projector(folder / "mmproj.gguf")
    write_projector(folder / "mmproj-tiles.gguf", LLAVA_1_6_GRID)


if __name__ == "__main__":
    main()
