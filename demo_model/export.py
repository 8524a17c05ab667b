"""Writes the two GGUF files that llama.cpp runs: the decoder with its tokenizer, and the encoder with its projector."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import torch

from .labels import PATCH, SIDE
from .model import MEAN, STD, Demo
from .tokenizer import BOS, CHAT_TEMPLATE, EOS, VOCAB


def add(writer: gguf.GGUFWriter, name: str, tensor: torch.Tensor) -> None:
    """Matrices in f16, vectors in f32."""
    array = tensor.detach().float().numpy()
    writer.add_tensor(name, np.ascontiguousarray(array.astype(np.float16 if array.ndim > 1 else np.float32)))


def pairs(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """From halves of a head to neighbouring pairs, which is how llama.cpp turns them by position."""
    return weight.view(heads, 2, -1, weight.shape[1]).transpose(1, 2).reshape(weight.shape)


def finish(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_decoder(model: Demo, path: Path) -> None:
    s, w = model.shape, gguf.GGUFWriter(str(path), "llama")
    w.add_name("vlm demo")
    w.add_description("A toy that knows simple drawings only; made by demo_model/ of vlm.")
    w.add_license("MIT")
    w.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    w.add_context_length(s.context)
    w.add_embedding_length(s.width)
    w.add_block_count(s.layers)
    w.add_feed_forward_length(s.ffn)
    w.add_head_count(s.heads)
    w.add_head_count_kv(s.heads)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_rope_dimension_count(s.width // s.heads)
    w.add_rope_freq_base(s.rope_base)
    w.add_vocab_size(len(VOCAB))
    w.add_tokenizer_model("llama")
    w.add_tokenizer_pre("default")
    w.add_token_list([p for p, _, _ in VOCAB])
    w.add_token_scores([score for _, score, _ in VOCAB])
    w.add_token_types([kind for _, _, kind in VOCAB])
    w.add_unk_token_id(0)
    w.add_bos_token_id(BOS)
    w.add_eos_token_id(EOS)
    w.add_add_bos_token(True)
    w.add_add_eos_token(False)
    w.add_add_space_prefix(True)
    w.add_chat_template(CHAT_TEMPLATE)
    add(w, "token_embd.weight", model.embed.weight)
    add(w, "output_norm.weight", model.norm.weight)
    for i, b in enumerate(model.blocks):
        q, k, v = b.qkv.weight.chunk(3)
        q, k = pairs(q, s.heads), pairs(k, s.heads)
        gate, up = b.gate_up.weight.chunk(2)
        for name, tensor in (
            ("attn_norm", b.norm1.weight),
            ("attn_q", q),
            ("attn_k", k),
            ("attn_v", v),
            ("attn_output", b.out.weight),
            ("ffn_norm", b.norm2.weight),
            ("ffn_gate", gate),
            ("ffn_up", up),
            ("ffn_down", b.down.weight),
        ):
            add(w, f"blk.{i}.{name}.weight", tensor)
    finish(w)


def write_projector(model: Demo, path: Path) -> None:
    s, e, w = model.shape, model.encoder, gguf.GGUFWriter(str(path), "clip")
    w.add_name("vlm demo")
    w.add_description("Encoder and projector of vlm's demo model")
    w.add_license("MIT")
    w.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    w.add_string("clip.projector_type", "mlp")
    w.add_bool("clip.has_vision_encoder", True)
    w.add_bool("clip.has_llava_projector", True)
    w.add_bool("clip.use_gelu", True)
    for key, value in (
        ("image_size", SIDE),
        ("patch_size", PATCH),
        ("embedding_length", s.width),
        ("feed_forward_length", s.vision_ffn),
        ("projection_dim", s.width),
        ("block_count", s.vision_layers),
        ("attention.head_count", s.heads),
    ):
        w.add_uint32(f"clip.vision.{key}", value)
    w.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5)
    w.add_array("clip.vision.image_mean", list(MEAN))
    w.add_array("clip.vision.image_std", list(STD))
    w.add_array(
        "clip.vision.feature_layer", [s.vision_layers]
    )  # rows after the last layer; without it llama.cpp stops one early
    add(w, "v.patch_embd.weight", e.patch.weight.view(s.width, 3, PATCH, PATCH))
    add(w, "v.patch_embd.bias", e.patch.bias)
    w.add_tensor("v.position_embd.weight", e.position.detach().float().numpy())
    for name, module in (
        ("v.pre_ln", e.pre),
        ("v.post_ln", e.post),
        ("mm.0", model.project1),
        ("mm.2", model.project2),
    ):
        add(w, f"{name}.weight", module.weight)
        add(w, f"{name}.bias", module.bias)
    for i, b in enumerate(e.blocks):
        parts = {"ln1": b.ln1, "ln2": b.ln2, "attn_out": b.out, "ffn_up": b.up, "ffn_down": b.down}
        for name, module in parts.items():
            add(w, f"v.blk.{i}.{name}.weight", module.weight)
            add(w, f"v.blk.{i}.{name}.bias", module.bias)
        for name, weight, bias in zip("qkv", b.qkv.weight.chunk(3), b.qkv.bias.chunk(3), strict=False):
            add(w, f"v.blk.{i}.attn_{name}.weight", weight)
            add(w, f"v.blk.{i}.attn_{name}.bias", bias)
    finish(w)


def export(model: Demo, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_decoder(model, folder / "demo.gguf")
    write_projector(model, folder / "mmproj-demo.gguf")
