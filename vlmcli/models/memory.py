"""How much memory a model needs, by arithmetic: from its headers, or from the catalogue when nothing is here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vlmcli.gguf import Header
from vlmcli.gguf.buffers import decoder_buffer_bytes, encoder_buffer_bytes

CONTEXT_TOKENS = 4096
"""The context for which memory is counted: a picture of LLaVA 1.6, a question and a long answer."""
_CONTEXT_STEP_TOKENS = 256
"""llama.cpp rounds a context up to a multiple of this (GGML_PAD in src/llama-context.cpp)."""
_BYTES_OF_F16 = 2

_BUFFERS_BYTES = 600_000_000
"""Of a model that is not here: of a 7B decoder with 32,000 words and a CLIP ViT-L encoder, rounded up."""


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """Bytes while a model answers about one picture."""

    weights_bytes: int
    projector_bytes: int
    kv_bytes: int
    compute_bytes: int
    """What is computed with: an upper bound, and small beside the weights."""

    @property
    def total_bytes(self) -> int:
        return self.weights_bytes + self.projector_bytes + self.kv_bytes + self.compute_bytes


def memory_needed(
    decoder: Header | Sequence[Header], projector: Header, context_tokens: int, kv_bytes_per_element: int = 2
) -> MemoryNeed:
    """For files that are here. `decoder`: the headers of all its parts, the first one first.

    KV: tokens x layers x heads x (key + value) x bytes of a number. An upper bound for models whose layers look at a
    window (Gemma 3) or keep a state in its place (LFM2): llama.cpp allocates less for those.
    """
    parts = (decoder,) if isinstance(decoder, Header) else tuple(decoder)
    tokens = _rounded(context_tokens)
    return MemoryNeed(
        weights_bytes=sum(part.weights_bytes for part in parts),
        projector_bytes=projector.weights_bytes,
        kv_bytes=tokens * parts[0].kv_bytes_per_token * kv_bytes_per_element // _BYTES_OF_F16,
        compute_bytes=decoder_buffer_bytes(parts[0], tokens) + encoder_buffer_bytes(projector),
    )


def memory_expected(size_bytes: int, kv_bytes_per_token: int, context_tokens: int) -> MemoryNeed:
    """For a model of the catalogue. `size_bytes`: weights and projector together; they are counted as weights."""
    return MemoryNeed(size_bytes, 0, _rounded(context_tokens) * kv_bytes_per_token, _BUFFERS_BYTES)


def _rounded(tokens: int) -> int:
    return -(-tokens // _CONTEXT_STEP_TOKENS) * _CONTEXT_STEP_TOKENS
