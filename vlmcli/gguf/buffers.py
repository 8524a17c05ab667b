"""What is computed with, in bytes, by arithmetic on a header: upper bounds, and small beside the weights."""

from __future__ import annotations

from vlmcli.gguf.header import Header

_BATCH_TOKENS = 512
"""Tokens that llama.cpp computes at once (n_ubatch), as it is by default."""
_F32 = 4


def decoder_buffer_bytes(decoder: Header, context_tokens: int, *, flash_attention: bool = False) -> int:
    """The largest of what stands side by side in f32 for a batch, as llama.cpp's graphs reuse their memory.

    That is the scores of all words; or those of attention, without flash attention; or the middle of the feed-forward
    network, gate and up. Beside each of them stand the rows, some of them several times, and the mask of attention.
    """
    width, batch = decoder.number("{arch}.embedding_length"), min(_BATCH_TOKENS, context_tokens)
    words = decoder.vocabulary_size
    attention = 0 if flash_attention else decoder.number("{arch}.attention.head_count") * context_tokens
    feed_forward = 2 * decoder.number("{arch}.feed_forward_length")
    return batch * (max(words, attention, feed_forward) + context_tokens + 8 * width) * _F32


def encoder_buffer_bytes(projector: Header) -> int:
    """The same for one picture, or one tile of it: its patches are the batch and the context."""
    side = projector.number("clip.vision.image_size") // max(projector.number("clip.vision.patch_size"), 1)
    patches = side * side + 1
    width = projector.number("clip.vision.embedding_length")
    attention = projector.number("clip.vision.attention.head_count") * patches
    feed_forward = 2 * projector.number("clip.vision.feed_forward_length")
    return patches * (max(attention, feed_forward) + 4 * width) * _F32
