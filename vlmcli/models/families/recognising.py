"""Which family a pair of files is of, from their headers alone: for files that nobody named a family for.

Projector types as llama.cpp writes them (tools/mtmd/clip-impl.h), architectures as its src/llama-arch.cpp does. A pair
that fits no line below is left to its own template. LLaVA's projector says nothing of how its decoder was trained, so
there the template in the decoder's file decides, and is then the one that is taken; without one Vicuna and Mistral
cannot be told apart.
"""

from __future__ import annotations

from dataclasses import replace

from vlmcli.core import Family
from vlmcli.gguf import Header
from vlmcli.models.families.table import FAMILIES

_BY_PROJECTOR = {
    "qwen2vl_merger": ("qwen2-vl", ("qwen2vl",)),
    "qwen2.5vl_merger": ("qwen2.5-vl", ("qwen2vl",)),
    "qwen3vl_merger": ("qwen3-vl", ("qwen3vl", "qwen3vlmoe")),
    "gemma3": ("gemma-3", ("gemma3",)),
    "internvl": ("internvl3", ("qwen2", "qwen3", "qwen3moe")),
    "deepseekocr": ("deepseek-ocr", ("deepseek2-ocr", "deepseek2")),
    "paddleocr": ("paddleocr-vl", ("paddleocr", "ernie4_5")),
    "glm4v": ("glm-4v", ("glm4", "glm4moe")),
}
"""Projector type -> family, and the architectures of its decoders."""

_LLAVA_BY_ARCHITECTURE = {"phi2": "moondream", "phi3": "phi-3", "granite": "granite-vision"}
_LLAVA_BY_TEMPLATE = (
    ("<|start_header_id|>", "llama-3"),
    ("<|im_start|>", "chatml"),
    ("<|end|>", "phi-3"),
    ("[INST]", "mistral-instruct"),
    ("ASSISTANT:", "vicuna"),
)
"""What only this family's template holds. The first that is found decides."""

_THINKING = ("qwen3-vl",)
"""Families of which some files were trained to think, and have another template."""

_WIDTH_OF_GLM_OCR = 1536
"""Numbers in a row of the small decoder that shares architecture and projector with GLM-4.6V-Flash, of 4096."""


def family_for(decoder: Header, projector: Header) -> Family | None:
    """The family of a pair, None where the headers do not tell."""
    template = str(decoder.metadata.get("tokenizer.chat_template", ""))
    if projector.is_llava:
        return _llava(decoder.architecture, template)
    name = _name_for(decoder, projector.projector_type, template)
    if name in _THINKING and "<think>" in template:  # the makers' Thinking files: their template opens the thinking
        return replace(FAMILIES[name], own_template_first=True)
    return FAMILIES[name] if name else None


def _name_for(decoder: Header, projector_type: str, template: str) -> str | None:
    if projector_type == "idefics3":  # Granite Docling has it too, and another template
        return "smolvlm" if "<end_of_utterance>" in template else None
    if projector_type == "resampler":  # MiniCPM-V 2.5 is a Llama 3
        return "minicpm-v" if "<|im_start|>" in template or decoder.architecture == "qwen3" else None
    if projector_type == "glm4v" and decoder.width == _WIDTH_OF_GLM_OCR:
        return "glm-ocr"
    name, architectures = _BY_PROJECTOR.get(projector_type, (None, ()))
    return name if decoder.architecture in architectures else None


def _llava(architecture: str, template: str) -> Family | None:
    """Of the LLaVA line only decoders that are called `llama` need their template to be told apart."""
    if architecture in _LLAVA_BY_ARCHITECTURE:
        return FAMILIES[_LLAVA_BY_ARCHITECTURE[architecture]]
    if architecture != "llama" or "<<SYS>>" in template:  # Llama 2's, which old converters wrote into every file
        return None
    name = next((name for sign, name in _LLAVA_BY_TEMPLATE if sign in template), None)
    return replace(FAMILIES[name], own_template_first=True) if name else None
