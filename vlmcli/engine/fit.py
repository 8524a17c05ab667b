"""How much context the requests at hand need, and how many of them fit side by side. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vlmcli.errors import DoesNotFit

_STEP_TOKENS = 256
"""llama.cpp pads a context to this; asking for whole steps keeps a slightly longer next question in the same one."""
_SHARE_OF_MEMORY_FOR_KV = 0.25
_MICRO_BATCH_TOKENS, _SMALL_MICRO_BATCH_TOKENS = 512, 128
"""Prefill at once, with flash attention and without. Without it the scores of all heads are written out, tokens times
tokens of them: a small batch has fewer, which stay in the processor's caches (9 % quicker with 608 tokens)."""
_MOST_OUTPUTS, _MOST_LOGITS_BYTES = 256, 64 << 20


@dataclass(frozen=True, slots=True)
class Need:
    """Tokens of one request: its prompt with the pictures in it, and the most that its answer may have."""

    prompt_tokens: int
    answer_tokens: int
    largest_picture_tokens: int = 0
    room_tokens: int = 0
    """More that would be welcome, for what may follow."""
    flash_attention: bool = True
    """A context has it or not, and what was computed with it cannot be moved to one without."""
    branches: int = 0
    """Sequences that go on from the prompt side by side, in `answer_tokens` together: labels that are scored."""


@dataclass(frozen=True, slots=True)
class ContextPlan:
    """A context of `n_slots` sequences with `tokens_each` tokens each."""

    n_slots: int
    tokens_each: int
    micro_batch_tokens: int
    flash_attention: bool = True
    kv_type: str = "f16"
    branches: int = 0
    """Sequences beside the slots. With any, all sequences share one KV, so that a branch costs only its own tokens."""

    def holds(self, need: Need) -> bool:
        return (
            need.prompt_tokens + need.answer_tokens <= self.tokens_each
            and need.largest_picture_tokens <= self.micro_batch_tokens
            and need.flash_attention == self.flash_attention
            and need.branches == self.branches
        )


def check_fits(need: Need, trained_tokens: int) -> Need:
    """`need` with its answer cut to what the model's context leaves. Raises DoesNotFit when not even one word fits."""
    room = trained_tokens - need.prompt_tokens
    if room < 1:
        raise DoesNotFit(
            f"The pictures and the question take {need.prompt_tokens} tokens, and this model's context holds"
            f" {trained_tokens}.",
            "Ask about fewer pictures at once, shorten the question, or choose a model with a longer context.",
        )
    return replace(need, answer_tokens=min(need.answer_tokens, room))


def plan_context(
    needs: Sequence[Need],
    *,
    trained_tokens: int,
    most_slots: int,
    kv_bytes_per_token: int,
    free_memory_bytes: int,
) -> ContextPlan:
    """Room for `needs`, which wait to be answered: as many side by side as memory allows, at least one.

    It is made for the first of them, and for those of the others that want the same kind. One whose answers branch
    has one slot: its branches are computed together as they are.
    """
    needs = [need for need in needs if _kind(need) == _kind(needs[0])]
    longest = max(need.prompt_tokens + need.answer_tokens + need.room_tokens for need in needs)
    tokens_each = min(-(-longest // _STEP_TOKENS) * _STEP_TOKENS, -(-trained_tokens // _STEP_TOKENS) * _STEP_TOKENS)
    largest_picture = max(need.largest_picture_tokens for need in needs)
    n_slots = 1 if needs[0].branches else min(len(needs), most_slots)
    if kv_bytes_per_token and free_memory_bytes:
        affordable = int(free_memory_bytes * _SHARE_OF_MEMORY_FOR_KV) // (kv_bytes_per_token * tokens_each)
        n_slots = min(n_slots, affordable)
    flash_attention, branches = _kind(needs[0])
    micro_batch_tokens = max(_MICRO_BATCH_TOKENS if flash_attention else _SMALL_MICRO_BATCH_TOKENS, largest_picture)
    return ContextPlan(max(n_slots, 1), tokens_each, micro_batch_tokens, flash_attention, branches=branches)


def _kind(need: Need) -> tuple[bool, int]:
    return need.flash_attention, need.branches


def outputs_at_once(vocabulary_size: int) -> int:
    """How many positions of a batch may have logits: those take 4 bytes for each word of the vocabulary."""
    return max(min(_MOST_LOGITS_BYTES // (4 * max(vocabulary_size, 1)), _MOST_OUTPUTS), 1)
