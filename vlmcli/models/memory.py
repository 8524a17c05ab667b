"""How much memory a model needs, by arithmetic: from its headers, or from the catalogue when nothing is here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vlmcli.gguf import Header

CONTEXT_TOKENS = 4096
"""The context for which memory is counted: a picture of LLaVA 1.6, a question and a long answer."""
_BATCH_TOKENS = 512
"""Tokens that llama.cpp computes at once (n_ubatch), as it is by default."""
_CONTEXT_STEP_TOKENS = 256
"""llama.cpp rounds a context up to a multiple of this (GGML_PAD in src/llama-context.cpp)."""
_F32 = 4
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
        compute_bytes=_decoder_buffer_bytes(parts[0], tokens) + _encoder_buffer_bytes(projector),
    )


def memory_expected(size_bytes: int, kv_bytes_per_token: int, context_tokens: int) -> MemoryNeed:
    """For a model of the catalogue. `size_bytes`: weights and projector together; they are counted as weights."""
    return MemoryNeed(size_bytes, 0, _rounded(context_tokens) * kv_bytes_per_token, _BUFFERS_BYTES)


def _rounded(tokens: int) -> int:
    return -(-tokens // _CONTEXT_STEP_TOKENS) * _CONTEXT_STEP_TOKENS


def _decoder_buffer_bytes(decoder: Header, context_tokens: int) -> int:
    """The largest of what stands side by side in f32 for a batch, as llama.cpp's graphs reuse their memory.

    That is the scores of all words; or those of attention, without flash attention; or the middle of the feed-forward
    network, gate and up. The rows themselves stand beside each of them.
    """
    width, batch = decoder.number("{arch}.embedding_length"), min(_BATCH_TOKENS, context_tokens)
    words = decoder.vocabulary_size
    attention = decoder.number("{arch}.attention.head_count") * context_tokens
    feed_forward = 2 * decoder.number("{arch}.feed_forward_length")
    return batch * (max(words, attention, feed_forward) + 4 * width) * _F32


def _encoder_buffer_bytes(projector: Header) -> int:
    """The same for one picture, or one tile of it: its patches are the batch and the context."""
    side = projector.number("clip.vision.image_size") // max(projector.number("clip.vision.patch_size"), 1)
    patches = side * side + 1
    width = projector.number("clip.vision.embedding_length")
    attention = projector.number("clip.vision.attention.head_count") * patches
    feed_forward = 2 * projector.number("clip.vision.feed_forward_length")
    return patches * (max(attention, feed_forward) + 4 * width) * _F32
