"""The text in the picture: greedy, and with a way out when the model goes round in a loop."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from vlmcli.core import Answer, LoadedImage, Request, Sampling
from vlmcli.tasks.task import Brief, Outcome, Steps, Task

WORDING = "Read all the text in this picture. Answer with the text alone, keeping the lines."
_SAMPLING = Sampling(max_tokens=1024)
_DRY_MULTIPLIER = 0.8
"""A penalty on repeating whole sequences: a flat one harms pages that truly repeat words."""


def _question(brief: Brief, _n_pictures: int) -> str:
    return brief.wording("ocr", WORDING)


def _steps(brief: Brief, pictures: Sequence[LoadedImage]) -> Steps:
    started = time.monotonic()
    request = brief.request(pictures, _question(brief, len(pictures)), _SAMPLING, greedy=True)
    answer = yield request
    text = answer.text
    if answer.stop_reason == "repetition":
        answer = yield _going_on(request, answer, time.monotonic() - started)
        text += answer.text
    return Outcome(text, answer.stop_reason)


def _going_on(request: Request, looped: Answer, spent_s: float) -> Request:
    """Once more from where the loop began, with repeating made costly: what was read before it stays true."""
    sampling = replace(
        request.sampling,
        max_tokens=max(request.sampling.max_tokens - looped.answer_tokens, 1),
        dry_multiplier=_DRY_MULTIPLIER,
    )
    timeout_s = None if request.timeout_s is None else max(request.timeout_s - spent_s, 0.0)
    return replace(request, sampling=sampling, prefix=looped.text, timeout_s=timeout_s)


OCR = Task("ocr", _question, _steps)
