"""How much context is asked for: enough, not more than the model has, and as many answers as memory allows."""

from __future__ import annotations

import pytest

from vlmcli.engine.fit import ContextPlan, Need, check_fits, plan_context
from vlmcli.errors import DoesNotFit


def plan(*needs: Need, trained: int = 4096, slots: int = 4, kv: int = 0, memory: int = 0) -> ContextPlan:
    return plan_context(
        needs, trained_tokens=trained, most_slots=slots, kv_bytes_per_token=kv, free_memory_bytes=memory
    )


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


def test_a_picture_that_must_go_in_at_once_gets_a_micro_batch_of_its_size() -> None:
    assert plan(Need(900, 100, largest_picture_tokens=700)).micro_batch_tokens == 700
    assert not plan(Need(900, 100)).holds(Need(900, 100, largest_picture_tokens=700))
