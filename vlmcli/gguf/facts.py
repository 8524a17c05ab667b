"""A header as a person wants to see it: what kind of model, how large, how it was made."""

from __future__ import annotations

from collections.abc import Mapping

from vlmcli.gguf.header import Header

_FILE_TYPES = (
    "F32 F16 Q4_0 Q4_1 - - - Q8_0 Q5_0 Q5_1 Q2_K Q3_K_S Q3_K_M Q3_K_L Q4_K_S Q4_K_M Q5_K_S Q5_K_M Q6_K "
    "IQ2_XXS IQ2_XS Q2_K_S IQ3_XS IQ3_XXS IQ1_S IQ4_NL IQ3_S IQ3_M IQ2_S IQ2_M IQ4_XS IQ1_M BF16 - - - "
    "TQ1_0 TQ2_0 MXFP4_MOE NVFP4 Q1_0 Q2_0"
).split()
"""`general.file_type` as llama.cpp numbers it: LLAMA_FTYPE_* in include/llama.h; - was removed."""


def facts_of(header: Header) -> dict[str, object]:
    """In the order in which they are read. None, "" and () are not known; names end in _bytes where it is bytes."""
    about = {
        "architecture": header.architecture,
        "title": header.text("general.name"),
        "parameters": header.parameters,
        "quantization": quantization_of(header),
        "weights_bytes": header.weights_bytes,
    }
    return {**about, **(_projector(header) if header.is_projector else _decoder(header))}


def quantization_of(header: Header) -> str:
    """As the file says of itself; where it does not say, the type that most of its bytes are stored in."""
    number = header.number("general.file_type", -1)
    named = _FILE_TYPES[number] if 0 <= number < len(_FILE_TYPES) else "-"
    return header.main_type if named == "-" else named


def _decoder(header: Header) -> Mapping[str, object]:
    heads = header.number("{arch}.attention.head_count")
    return {
        "context_tokens": header.number("{arch}.context_length") or None,
        "embedding_length": header.number("{arch}.embedding_length") or None,
        "layers": header.number("{arch}.block_count") or None,
        "heads": heads or None,
        "kv_heads": header.number("{arch}.attention.head_count_kv", heads) or None,
        "experts": header.number("{arch}.expert_count") or None,
        "kv_bytes_per_token": header.kv_bytes_per_token,
        "vocabulary": header.vocabulary_size or None,
        "tokenizer": " ".join(filter(None, map(header.text, ("tokenizer.ggml.model", "tokenizer.ggml.pre")))),
        "chat_template": header.has_chat_template,
        "parts": header.number("split.count") or None,
    }


def _projector(header: Header) -> Mapping[str, object]:
    return {
        "projector_type": header.projector_type,
        "vision": header.has_vision,
        "row_width": header.width or None,
        "image_size": header.number("clip.vision.image_size") or None,
        "patch_size": header.number("clip.vision.patch_size") or None,
        "vision_layers": header.number("clip.vision.block_count") or None,
        "vision_width": header.number("clip.vision.embedding_length") or None,
        "feature_layer": _numbers(header, "clip.vision.feature_layer"),
        "tiles": header.has_tiles,
        "image_mean": _numbers(header, "clip.vision.image_mean"),
        "image_std": _numbers(header, "clip.vision.image_std"),
    }


def _numbers(header: Header, key: str) -> tuple[int | float, ...]:
    value = header.metadata.get(key)
    values = value if isinstance(value, tuple) else (value,)
    return tuple(v for v in values if isinstance(v, int | float))
