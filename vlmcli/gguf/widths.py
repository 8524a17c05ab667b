"""How wide the rows are that a projector gives: the dimension that llama.cpp takes it from, for each type.

Source: clip_n_mmproj_embd and load_tensors in llama.cpp's tools/mtmd/clip.cpp. A type that is not in the table is not
known, and left to llama.cpp, which compares the widths itself once both files are loaded.
"""

from __future__ import annotations

from collections.abc import Mapping

from vlmcli.gguf.tensors import Tensor

_MM_2 = ("mm.2.weight", 1)
_MM_2_BIAS = ("mm.2.bias", 0)
_FC = ("mm.model.fc.weight", 1)
_MLP_3 = ("mm.model.mlp.3.weight", 1)
_DOWN = ("mm.down.weight", 1)

# projector type -> tensor, and which of its dimensions is the width
_WIDTH_OF: Mapping[str, tuple[str, int]] = {
    "ldp": ("mm.model.mb_block.1.block.2.1.bias", 0),
    "ldpv2": ("mm.model.peg.0.bias", 0),
    "resampler": ("resampler.proj.weight", 0),
    "minicpmv4_6": _DOWN,
    "adapter": ("adapter.linear.dense_4h_to_h.weight", 1),
    **dict.fromkeys(("qwen2vl_merger", "qwen2.5vl_merger", "qwen3vl_merger", "exaone4_5", "youtuvl"), _MM_2_BIAS),
    **dict.fromkeys(("qwen2.5o", "ling3vl"), _MM_2_BIAS),
    "janus_pro": ("mm.1.bias", 0),
    "mimovl": _MM_2,
    **dict.fromkeys(("gemma3", "gemma3nv"), ("mm.input_projection.weight", 0)),
    **dict.fromkeys(("gemma4v", "gemma4uv"), ("mm.input_projection.weight", 1)),
    **dict.fromkeys(("internvl", "nemotron_v2_vl"), _MLP_3),
    **dict.fromkeys(("idefics3", "llama4", "hunyuanvl", "step3vl", "deepseekocr", "deepseekocr2"), _FC),
    **dict.fromkeys(("phi4", "pixtral", "lightonocr", "dots_ocr", "dots3note_v", "muse-glimmer"), _MM_2),
    **dict.fromkeys(("lfm2", "kimivl", "paddleocr", "kimik25", "yasa2", "deepseek4v"), _MM_2),
    **dict.fromkeys(("cogvlm", "glm4v", "glm5v"), _DOWN),
}


def projected_width(projector_type: str, tensors: Mapping[str, Tensor]) -> int:
    """Numbers in a row of the projector; 0 where it is not known."""
    if projector_type in ("mlp", "mlp_norm"):
        return _width_of_llava(tensors)
    if projector_type not in _WIDTH_OF:
        return 0
    width = _dimension(tensors, *_WIDTH_OF[projector_type])
    return width * (1 + _deepstack_layers(tensors)) if projector_type == "qwen3vl_merger" else width


def _width_of_llava(tensors: Mapping[str, Tensor]) -> int:
    """Yi's kind has a third layer and none of its files says so but by that. A bias is as wide as its output."""
    if "mm.3.weight" in tensors:
        return _dimension(tensors, "mm.3.bias", 0)
    return _dimension(tensors, *_MM_2) or _dimension(tensors, *_MM_2_BIAS)


def _deepstack_layers(tensors: Mapping[str, Tensor]) -> int:
    """Layers of the encoder that give rows too: each row of Qwen3-VL is followed by one of each of them."""
    return sum(name.startswith("v.deepstack.") and name.endswith(".fc1.weight") for name in tensors)


def _dimension(tensors: Mapping[str, Tensor], name: str, index: int) -> int:
    shape = tensors[name].shape if name in tensors else ()
    return shape[index] if index < len(shape) else 0
