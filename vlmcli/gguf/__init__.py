"""A GGUF file's header -> facts, safely: what is in a file before anything of it is loaded (standard library only).

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3, little endian).
"""

from __future__ import annotations

from vlmcli.gguf.header import LLAVA_PROJECTORS, Header, Value
from vlmcli.gguf.parts import find_parts, read_parts, weights_bytes
from vlmcli.gguf.reader import read_header
from vlmcli.gguf.tensors import TENSOR_TYPES, Tensor

__all__ = [
    "LLAVA_PROJECTORS",
    "TENSOR_TYPES",
    "Header",
    "Tensor",
    "Value",
    "find_parts",
    "read_header",
    "read_parts",
    "weights_bytes",
]
