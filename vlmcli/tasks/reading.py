"""One look at text: what the model reads there, with a way out when it goes round in a loop."""

from __future__ import annotations

from dataclasses import replace

from vlmcli.core import Answer, Request
from vlmcli.tasks.clock import Clock
from vlmcli.tasks.task import Outcome, Steps

_DRY_MULTIPLIER = 0.8
"""A penalty on repeating whole sequences: a flat one harms pages that truly repeat words."""


def read_look(request: Request, clock: Clock) -> Steps:
    """Read, and once more from where a loop began, with repeating made costly: what was read before stays true."""
    if clock.left_s() == 0.0:
        return Outcome("", "timeout")
    answer = yield replace(request, timeout_s=clock.left_s())
    text = answer.text
    if answer.stop_reason == "repetition":
        answer = yield _going_on(request, answer, clock)
        text += answer.text
    return Outcome(text, answer.stop_reason, confidence=answer.confidence)


def _going_on(request: Request, looped: Answer, clock: Clock) -> Request:
    sampling = replace(
        request.sampling,
        max_tokens=max(request.sampling.max_tokens - looped.answer_tokens, 1),
        dry_multiplier=_DRY_MULTIPLIER,
    )
    return replace(request, sampling=sampling, prefix=looped.text, timeout_s=clock.left_s())
