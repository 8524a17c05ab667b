"""An answer in a form that was asked for: one of some labels, or JSON, or what matches a pattern."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Generator, Sequence
from dataclasses import replace

from vlmcli.core import Answer, Choices, LoadedImage, Request, Sampling, Schema, Turn
from vlmcli.core.requests import Picture
from vlmcli.errors import EngineError, NotWhole, UsageError
from vlmcli.grammar import check_form
from vlmcli.tasks.task import Brief, Outcome, Steps, TaskOptions


def check_options(options: TaskOptions) -> None:
    """Raises UsageError for a form that cannot be enforced, and for options about choices without any."""
    check_form(options.form)
    if not 0 <= options.min_confidence <= 1:
        raise UsageError(f"--min-confidence is {options.min_confidence:g}.", "A number from 0 to 1")
    if not isinstance(options.form, Choices) and (options.min_confidence or options.calibrate):
        option = "--min-confidence" if options.min_confidence else "--calibrate"
        raise UsageError(f"{option} is about choices, and there are none.", "--choices yes,no")


def ask_in_form(brief: Brief, pictures: Sequence[LoadedImage], question: str, sampling: Sampling) -> Steps:
    """The steps of a question whose answer has a form. What does not fit it is an error and no answer."""
    started = time.monotonic()
    form = brief.options.form
    request = replace(brief.request(pictures, question, sampling), form=form)
    answer = yield request
    if answer.stop_reason == "interrupted":
        return Outcome("", "interrupted")
    if answer.stop_reason not in ("end", "stop"):
        return Outcome("", answer.stop_reason, error=_not_whole(answer))
    if isinstance(form, Choices):
        if not brief.options.calibrate:
            return _chosen(brief.options, form, answer.probabilities, answer.text)
        seen = yield from _calibrated(request, answer, time.monotonic() - started)
        return Outcome("", "interrupted") if seen is None else _chosen(brief.options, form, seen, "")
    if isinstance(form, Schema):
        return Outcome(spaced(answer.text), "end", data=json.loads(answer.text))
    return Outcome(answer.text, "end")


def spaced(text: str) -> str:
    """JSON with a space after each comma and colon and none elsewhere, whatever the model did; numbers stay as written.

    A grammar leaves spaces to the model, which puts them anywhere.
    """
    return _OUTSIDE_STRINGS.sub(lambda m: m[0] if m[0][0] == '"' else f"{m[0].strip()} " if m[0].strip() else "", text)


_OUTSIDE_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"|[,:]|\s+')


def _calibrated(
    request: Request, answer: Answer, spent_s: float
) -> Generator[Request, Answer, tuple[float, ...] | None]:
    """The probabilities over those without any picture, adding up to 1; None when interrupted.

    The second question is spelled as the first was scored, so that only the picture tells the two apart.
    """
    turns = tuple(Turn(t.role, tuple(part for part in t.parts if not isinstance(part, Picture))) for t in request.turns)
    timeout_s = None if request.timeout_s is None else max(request.timeout_s - spent_s, 0.0)
    unseen = yield replace(request, turns=turns, form=answer.scored or request.form, timeout_s=timeout_s)
    if unseen.stop_reason == "interrupted":
        return None
    if unseen.stop_reason not in ("end", "stop"):
        return ()
    ratios = [
        seen / max(without, 1e-12) for seen, without in zip(answer.probabilities, unseen.probabilities, strict=True)
    ]
    total = math.fsum(ratios)
    return tuple(ratio / total for ratio in ratios)


def _chosen(options: TaskOptions, form: Choices, probabilities: Sequence[float], said: str) -> Outcome:
    """The likeliest label, if it is likely enough."""
    if not probabilities and (options.min_confidence or options.calibrate or said not in form.labels):
        error = EngineError("This model does not tell how likely its answers are.", "Leave out --min-confidence.")
        return Outcome("", "end", error=error)
    shares = tuple(zip(form.labels, probabilities, strict=True)) if probabilities else ()
    label, share = max(shares, key=lambda each: each[1], default=(said, 1.0))
    if share < options.min_confidence:
        return Outcome("", "end", probabilities=shares)
    return Outcome(label, "end", choice=label, probabilities=shares)


_WHY = {
    "length": ("it reached {tokens}", "--max-tokens {more}"),
    "timeout": ("its time was over", "Give it more: --timeout SECONDS"),
    "context": ("there was no room left in the model's context", "Ask for less, or choose a model with more context."),
}


def _not_whole(answer: Answer) -> NotWhole:
    why, hint = _WHY.get(answer.stop_reason, ("it ended early", "Try again."))
    tokens = "1 token" if answer.answer_tokens == 1 else f"{answer.answer_tokens} tokens"
    counts = {"tokens": tokens, "more": max(2 * answer.answer_tokens, 64)}
    return NotWhole(f"The answer is not in the form that was asked for: {why.format(**counts)}.", hint.format(**counts))
