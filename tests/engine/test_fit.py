"""How much context is asked for: enough, not more than the model has, and as many answers as memory allows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from vlmcli.engine.fit import ContextPlan, Need, check_fits, plan_context
from vlmcli.errors import DoesNotFit


def plan(*needs: Need, trained: int = 4096, slots: int = 4, kv: int = 0, memory: int = 0) -> ContextPlan:
    return plan_context(
        needs, trained_tokens=trained, most_slots=slots, kv_bytes_per_token=kv, free_memory_bytes=memory
    )


needs_of_any_kind = some.builds(
    Need,
    some.integers(1, 5000),
    some.integers(1, 3000),
    some.sampled_from([0, 0, 256, 576, 2000]),
    some.sampled_from([0, 2048]),
    some.booleans(),
)


@settings(max_examples=300, deadline=None)
@given(
    some.lists(needs_of_any_kind, min_size=1, max_size=40),
    some.sampled_from([2048, 4096, 32768]),
    some.integers(1, 64),
    some.sampled_from([0, 22528, 524288]),
    some.sampled_from([0, 1 << 28, 1 << 32, 1 << 40]),
)
def test_never_over_the_room(asked: list[Need], trained: int, slots: int, kv: int, memory: int) -> None:
    """Whatever waits: the first of it fits, and so do all like it; and what is shared out is there."""
    needs = [check_fits(need, trained) for need in asked if need.prompt_tokens < trained]
    if not needs:
        return
    made = plan(*needs, trained=trained, slots=slots, kv=kv, memory=memory)
    like_the_first = [need for need in needs if need.flash_attention == needs[0].flash_attention]
    assert all(made.holds(need) for need in like_the_first)
    assert not made.holds(replace(needs[0], flash_attention=not made.flash_attention))
    assert not made.holds(replace(needs[0], prompt_tokens=made.tokens_each))
    assert 1 <= made.n_slots <= min(slots, len(like_the_first))
    assert made.tokens_each <= trained
    if kv and memory and made.n_slots > 1:
        assert made.n_slots * made.tokens_each * kv <= memory / 4


def test_context_holds_the_longest_need() -> None:
    needs = [Need(600, 512), Need(1200, 100), Need(10, 10)]
    made = plan(*needs)
    assert all(made.holds(need) for need in needs)
    assert made.tokens_each == 1536
    assert made.n_slots == 3


def test_answer_is_cut_to_what_the_model_has() -> None:
    assert check_fits(Need(4000, 512), 4096) == Need(4000, 96)
    assert check_fits(Need(100, 512), 4096) == Need(100, 512)
    assert plan(Need(4000, 96), trained=4096).tokens_each == 4096


def test_prompt_that_fills_the_context_is_refused_with_the_numbers() -> None:
    with pytest.raises(DoesNotFit, match=r"5000 tokens.*4096"):
        check_fits(Need(5000, 1), 4096)
    with pytest.raises(DoesNotFit):
        check_fits(Need(4096, 1), 4096)


def test_memory_limits_the_answers_side_by_side_but_never_to_none() -> None:
    needs = [Need(700, 300)] * 8
    assert plan(*needs).n_slots == 4
    assert plan(*needs, kv=500_000, memory=5 << 30).n_slots == 2
    assert plan(*needs, kv=500_000, memory=1 << 20).n_slots == 1


def test_without_flash_attention_prefill_goes_in_small_batches() -> None:
    assert plan(Need(700, 300)).micro_batch_tokens == 512
    assert plan(Need(700, 300, flash_attention=False)).micro_batch_tokens == 128
    assert plan(Need(900, 100, largest_picture_tokens=700, flash_attention=False)).micro_batch_tokens == 700


def test_a_picture_that_must_go_in_at_once_gets_a_micro_batch_of_its_size() -> None:
    assert plan(Need(900, 100, largest_picture_tokens=700)).micro_batch_tokens == 700
    assert not plan(Need(900, 100)).holds(Need(900, 100, largest_picture_tokens=700))
