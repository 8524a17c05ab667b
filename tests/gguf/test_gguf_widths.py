"""The width of a projector's rows, for each type that the table knows."""

from __future__ import annotations

import pytest

from vlmcli.gguf.tensors import Tensor
from vlmcli.gguf.widths import projected_width

# The tensors that clip.cpp names, with other numbers in the dimensions that are not the width.
KNOWN = {
    "mlp": ({"mm.0.weight": (1024, 4096), "mm.2.weight": (4096, 4096), "mm.2.bias": (4096,)}, 4096),
    "ldp": ({"mm.model.mb_block.1.block.2.1.bias": (2048,)}, 2048),
    "ldpv2": ({"mm.model.peg.0.bias": (2048,)}, 2048),
    "resampler": ({"resampler.proj.weight": (3584, 3584)}, 3584),
    "adapter": ({"adapter.linear.dense_4h_to_h.weight": (13696, 4096)}, 4096),
    "qwen2vl_merger": ({"mm.0.bias": (5120,), "mm.2.bias": (1536,)}, 1536),
    "qwen2.5vl_merger": ({"mm.0.bias": (5120,), "mm.2.bias": (2048,)}, 2048),
    "gemma3": ({"mm.input_projection.weight": (2560, 1152)}, 2560),
    "gemma4v": ({"mm.input_projection.weight": (768, 1536)}, 1536),
    "idefics3": ({"mm.model.fc.weight": (12288, 960)}, 960),
    "pixtral": ({"mm.1.weight": (1024, 5120), "mm.2.weight": (5120, 5120)}, 5120),
    "internvl": ({"mm.model.mlp.1.weight": (4096, 1536), "mm.model.mlp.3.weight": (1536, 1536)}, 1536),
    "llama4": ({"mm.model.fc.weight": (4096, 5120)}, 5120),
    "lfm2": ({"mm.1.weight": (4608, 2560), "mm.2.weight": (2560, 2048)}, 2048),
    "kimivl": ({"mm.2.weight": (4608, 2048)}, 2048),
    "paddleocr": ({"mm.2.weight": (4608, 1024)}, 1024),
    "cogvlm": ({"mm.down.weight": (13696, 4096)}, 4096),
    "deepseekocr": ({"mm.model.fc.weight": (2048, 1280)}, 1280),
    "glm4v": ({"mm.model.fc.weight": (4096, 4096), "mm.down.weight": (13696, 1536)}, 1536),
}


@pytest.mark.parametrize("kind", KNOWN)
def test_width_of(kind: str) -> None:
    shapes, width = KNOWN[kind]
    listed = {name: Tensor(shape, "F16", 0) for name, shape in shapes.items()}
    assert projected_width(kind, listed) == width
    assert projected_width(kind, {}) == 0
    assert projected_width(kind, {name: Tensor((), "F32", 0) for name in shapes}) == 0


def test_width_of_yi_kind() -> None:
    """LLaVA-1.6-34B: norms between the layers, and only the file's tensors say so."""
    shapes = {"mm.0.weight": (1024, 7168), "mm.1.bias": (7168,), "mm.3.weight": (7168, 7168), "mm.3.bias": (7168,)}
    assert projected_width("mlp", {name: Tensor(shape, "F16", 0) for name, shape in shapes.items()}) == 7168


def test_width_with_deepstack() -> None:
    shapes = {"mm.2.bias": (2048,)}
    shapes |= {f"v.deepstack.{layer}.{part}": (4096,) for layer in (5, 11, 17) for part in ("fc1.weight", "fc2.weight")}
    assert projected_width("qwen3vl_merger", {n: Tensor(s, "F16", 0) for n, s in shapes.items()}) == 2048 * 4


def test_type_that_is_not_known_has_no_width() -> None:
    assert projected_width("a type of tomorrow", {"mm.2.weight": Tensor((8, 8), "F16", 0)}) == 0
