"""What llama.cpp would refuse a header for, or end the process over: each as the words after "FILE is damaged: ".

Its reader (ggml/src/gguf.cpp) refuses with a line in its log; what loads the model after it (src/llama-model.cpp,
tools/mtmd/clip.cpp) asserts, and a failed assertion takes the whole process with it, so those are held here.
"""

from __future__ import annotations

from collections.abc import Mapping

from vlmcli.gguf.header import Value
from vlmcli.gguf.tensors import Tensor

_DEFAULT_ALIGNMENT = 32
_LARGEST = 2**63 - 1
_MOST_LAYERS = _MOST_EXPERTS = 512
"""LLAMA_MAX_LAYERS, LLAMA_MAX_EXPERTS"""

_U32, _I32, _F32, _BOOL, _STRING, _ARRAY = 4, 5, 6, 7, 8, 9

# The loader of projectors asks for each key as one type, and asserts that it is one.
_KINDS_IN_PROJECTOR: Mapping[str, int] = {
    **dict.fromkeys(("general.name", "general.description", "clip.projector_type"), _STRING),
    **dict.fromkeys(("clip.vision.projector_type", "clip.vision.mm_patch_merge_type"), _STRING),
    **dict.fromkeys(("clip.has_vision_encoder", "clip.has_audio_encoder", "clip.has_gen_audio_encoder"), _BOOL),
    **dict.fromkeys(("clip.use_gelu", "clip.use_silu"), _BOOL),
    **dict.fromkeys(("clip.vision.embedding_length", "clip.vision.feed_forward_length"), _U32),
    **dict.fromkeys(("clip.vision.block_count", "clip.vision.projection_dim"), _U32),
    **dict.fromkeys(("clip.vision.attention.head_count", "clip.vision.attention.head_count_kv"), _U32),
    **dict.fromkeys(("clip.vision.attention.head_dim", "clip.minicpmv_query_num"), _U32),
    **dict.fromkeys(("clip.vision.image_size", "clip.vision.patch_size"), _U32),
    **dict.fromkeys(("clip.vision.image_min_pixels", "clip.vision.image_max_pixels"), _U32),
    **dict.fromkeys(("clip.vision.projector.scale_factor", "clip.vision.spatial_merge_size"), _U32),
    **dict.fromkeys(("clip.vision.n_wa_pattern", "clip.vision.window_size"), _U32),
    **dict.fromkeys(("clip.vision.preproc_min_tiles", "clip.vision.preproc_max_tiles"), _U32),
    "clip.vision.preproc_image_size": _U32,
    "clip.vision.attention.layer_norm_epsilon": _F32,
    "clip.minicpmv_version": _I32,
}

_DIVISORS = ("clip.vision.attention.head_count", "clip.vision.patch_size")
"""Something is divided by them before anything looks at them."""


def alignment_of(metadata: Mapping[str, Value]) -> int:
    alignment = metadata.get("general.alignment", _DEFAULT_ALIGNMENT)
    return alignment if isinstance(alignment, int) else 0


def check_metadata(metadata: Mapping[str, Value], kinds: Mapping[str, int]) -> str | None:
    """`kinds`: GGUF's number of each value's type."""
    alignment = alignment_of(metadata)
    if kinds.get("general.alignment", _U32) != _U32 or alignment < 1 or alignment & (alignment - 1):
        return "its alignment is not a power of two"
    if kinds.get("general.architecture", _STRING) != _STRING:
        return "its architecture is not a text"
    architecture = str(metadata.get("general.architecture", ""))
    return _of_projector(metadata, kinds) if architecture == "clip" else _of_decoder(metadata, architecture)


def _of_projector(metadata: Mapping[str, Value], kinds: Mapping[str, int]) -> str | None:
    for key, kind in _KINDS_IN_PROJECTOR.items():
        if kinds.get(key, kind) != kind:
            return f"the value of {key} is of another type than llama.cpp reads there"
    wrong = next((key for key in _DIVISORS if metadata.get(key, 1) == 0), None)
    return f"its {wrong} is 0" if wrong else None


def _of_decoder(metadata: Mapping[str, Value], architecture: str) -> str | None:
    layers = metadata.get(f"{architecture}.block_count", 1)
    if isinstance(layers, int) and not 0 < layers <= _MOST_LAYERS:
        return f"it says that it has {layers:,} layers"
    experts = metadata.get(f"{architecture}.expert_count", 0)
    used = metadata.get(f"{architecture}.expert_used_count", 0)
    if not isinstance(experts, int) or not isinstance(used, int):
        return None
    if not 0 <= used <= experts <= _MOST_EXPERTS or (experts and not used):
        return f"it says that it uses {used:,} of {experts:,} experts"
    return None


def check_projector(metadata: Mapping[str, Value], tensors: Mapping[str, Tensor]) -> str | None:
    """LLaVA's last layer is looked at to see how wide a row is, whether it is there or not."""
    is_llava = metadata.get("clip.projector_type") in ("mlp", "mlp_norm") and "mm.0.weight" in tensors
    last = "mm.3.bias" if "mm.3.weight" in tensors else "mm.2.weight"
    if is_llava and last not in tensors:
        return "the last layer of its projector is missing"
    return None


def check_type(name: str, number: int) -> str | None:
    """A type that is newer than our table is for llama.cpp to know."""
    return f"its tensor {name!r} is of type {number:,}" if number >= 2**31 else None


def check_tensors(tensors: Mapping[str, Tensor], alignment: int, header_bytes: int, file_bytes: int) -> str | None:
    """One must follow the other without a gap, and the last end inside the file: a download cut short shows here."""
    data_start = _padded(header_bytes, alignment)
    expected: int | None = 0
    least = 0
    for name, tensor in tensors.items():
        if wrong := _shape(name, tensor):
            return wrong
        if tensor.offset % alignment or tensor.offset < least or expected not in (None, tensor.offset):
            return f"its tensor {name!r} does not start where the one before it ends"
        if data_start + tensor.offset + tensor.size_bytes > file_bytes:
            return f"it ends before its tensor {name!r} does"
        least = _padded(tensor.offset + tensor.size_bytes, alignment)
        expected = least if _is_known(tensor) else None
    return None


def _shape(name: str, tensor: Tensor) -> str | None:
    weights, _ = tensor.block
    if not all(tensor.shape) or tensor.elements > _LARGEST:
        return f"its tensor {name!r} has the shape {' x '.join(map(str, tensor.shape))}"
    if (tensor.shape or (1,))[0] % weights:
        return f"a row of its tensor {name!r} is no multiple of {weights}, as {tensor.type} needs"
    return None


def _is_known(tensor: Tensor) -> bool:
    return tensor.block[1] > 0


def _padded(size_bytes: int, alignment: int) -> int:
    return -(-size_bytes // alignment) * alignment
