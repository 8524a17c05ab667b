"""What the name of a GGUF file says: its quantization, its part of a split file, and the model it is of."""

from __future__ import annotations

import re
from typing import NamedTuple

_QUANT = (
    r"(?:UD-)?"  # unsloth's own mixtures
    r"(?:I?Q_?\d(?:_(?:\d|K|XXS|XS|S|M|L|XL|XXL|NL|H|P))*"
    r"|TQ\d_\d|MXFP4(?:_MOE)?|NVFP4|B?F16|FP16|F32|FP32|INT[48])"
)
_QUANT_ALONE = re.compile(_QUANT, re.IGNORECASE)
_QUANT_IN_NAME = re.compile(rf"(?<![A-Z0-9])({_QUANT})(?![A-Z0-9])", re.IGNORECASE)
_PART = re.compile(r"[-.](\d{5})-of-(\d{5})$", re.IGNORECASE)
_GGUF = re.compile(r"\.gguf$", re.IGNORECASE)

PREFERRED_QUANTS = (
    *("Q4_K_M", "Q4_K_S", "Q4_K", "Q4_K_L", "Q4_0", "IQ4_XS", "IQ4_NL", "Q4_1", "INT4", "Q4"),
    *("Q5_K_M", "Q5_K_S", "Q5_K", "Q5_0", "Q5_1", "Q6_K", "Q8_0", "INT8", "F16", "BF16", "F32"),
)
"""What is pulled where nothing is asked for, best first: four bits lose little and are half the size of eight."""


class FileName(NamedTuple):
    """`BF16/A-Model-BF16-00002-of-00003.gguf` -> stem A-Model-BF16, quant BF16, model `amodel`, part 2 of 3."""

    stem: str
    quant: str
    """Upper case; "" where neither the name nor its folder says."""
    model: str
    """What is left without quantization, punctuation and case: files of one model agree in it."""
    part: int
    parts: int


def read_name(path: str) -> FileName:
    """`path` is inside a repository, with "/" between folders."""
    folder, _, name = path.rpartition("/")
    stem = _GGUF.sub("", name)
    part, parts = 1, 1
    if found := _PART.search(stem):
        part, parts = int(found[1]), int(found[2])
        stem = stem[: found.start()]
    return FileName(stem, quant_in(stem) or quant_in(folder.rpartition("/")[2]), model_in(stem), part, parts)


def is_quant(text: str) -> bool:
    """Whether a word is spelled like a quantization: Q5_K_M, q4_0, f16, int4, UD-Q4_K_XL."""
    return bool(_QUANT_ALONE.fullmatch(text))


def as_quant(text: str) -> str:
    """One spelling for each quantization: `q_5_k` -> Q5_K, `fp16` -> F16, `ud-q4_k_xl` -> UD-Q4_K_XL."""
    return text.upper().replace("Q_", "Q").replace("FP16", "F16").replace("FP32", "F32")


def quant_in(stem: str) -> str:
    """The last one that the name holds, as a whole word: Q4_K is not found in Q4_K_M. "" where there is none."""
    found = _QUANT_IN_NAME.findall(stem)
    return as_quant(found[-1]) if found else ""


def model_in(stem: str) -> str:
    """`llava-v1.6-mistral-7b.Q6_K` -> `llavav16mistral7b`; `ggml-model-q4_k` -> `ggmlmodel`"""
    bare = _QUANT_IN_NAME.sub("", stem).lower()
    bare = re.sub(r"[-_.]split$|(?<=[-_.])imatrix|(?<=[-_.])imat\b|(?<=[-_.])i1\b", "", bare)
    return re.sub(r"[^a-z0-9]", "", bare)
