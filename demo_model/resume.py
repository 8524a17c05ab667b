"""Back from the two GGUF files to torch, so that training can go on from the model in the box: export.py's inverse."""

from __future__ import annotations

from pathlib import Path

import gguf
import torch

from .checkpoint import embedding_of, pieces_in
from .model import Demo


def tensors_of(path: Path) -> dict[str, torch.Tensor]:
    found = gguf.GGUFReader(str(path)).tensors
    return {t.name: torch.from_numpy(t.data.astype("float32")).view(*reversed(t.shape.tolist())) for t in found}


def halves(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """From neighbouring pairs to halves of a head."""
    return weight.view(heads, -1, 2, weight.shape[1]).transpose(1, 2).reshape(weight.shape)


def decoder_state(t: dict[str, torch.Tensor], model: Demo) -> dict[str, torch.Tensor]:
    state, heads = {"embed.weight": t["token_embd.weight"], "norm.weight": t["output_norm.weight"]}, model.shape.heads
    for i in range(model.shape.layers):
        b = {name.split(".")[2]: t[name] for name in t if name.startswith(f"blk.{i}.")}
        q, k = halves(b["attn_q"], heads), halves(b["attn_k"], heads)
        for name, tensor in {
            "norm1": b["attn_norm"],
            "qkv": torch.cat([q, k, b["attn_v"]]),
            "out": b["attn_output"],
            "norm2": b["ffn_norm"],
            "gate_up": torch.cat([b["ffn_gate"], b["ffn_up"]]),
            "down": b["ffn_down"],
        }.items():
            state[f"blocks.{i}.{name}.weight"] = tensor
    return state


def encoder_state(t: dict[str, torch.Tensor], model: Demo) -> dict[str, torch.Tensor]:
    state = {"encoder.position": t["v.position_embd.weight"]}
    for kind in ("weight", "bias"):
        patch = t[f"v.patch_embd.{kind}"]
        state[f"encoder.patch.{kind}"] = patch.flatten(1) if kind == "weight" else patch
        for ours, name in (("encoder.pre", "v.pre_ln"), ("encoder.post", "v.post_ln")):
            state[f"{ours}.{kind}"] = t[f"{name}.{kind}"]
        state[f"project1.{kind}"], state[f"project2.{kind}"] = t[f"mm.0.{kind}"], t[f"mm.2.{kind}"]
        for i in range(model.shape.vision_layers):
            names = {"ln1": "ln1", "ln2": "ln2", "out": "attn_out", "up": "ffn_up", "down": "ffn_down"}
            for ours, name in names.items():
                state[f"encoder.blocks.{i}.{ours}.{kind}"] = t[f"v.blk.{i}.{name}.{kind}"]
            qkv = torch.cat([t[f"v.blk.{i}.attn_{c}.{kind}"] for c in "qkv"])
            state[f"encoder.blocks.{i}.qkv.{kind}"] = qkv
    return state


def load_box(folder: Path) -> Demo:
    """The exported model; the heads of the patch labels, which no file holds, are still to be fitted."""
    model = Demo()
    state = decoder_state(tensors_of(folder / "demo.gguf"), model)
    state["embed.weight"] = embedding_of(state["embed.weight"], pieces_in(folder / "demo.gguf"))
    state |= encoder_state(tensors_of(folder / "mmproj-demo.gguf"), model)
    left = model.load_state_dict(state, strict=False)
    expected = [name for name, _ in model.named_parameters() if name.startswith(("heads", "change"))]
    assert sorted(left.missing_keys) == sorted(expected), left
    assert not left.unexpected_keys, left
    return model
