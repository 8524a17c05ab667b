"""An answer in a form that was asked for: one of some labels, or JSON, or what matches a pattern."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace

from vlmcli.core import Answer, Choices, Form, LoadedImage, Request, Sampling, Schema, Turn
from vlmcli.core.requests import Picture
from vlmcli.errors import EngineError, NotWhole, UsageError
from vlmcli.grammar import check_form
from vlmcli.tasks.asking import concluding, gave_up, give_reasons
from vlmcli.tasks.clock import Clock
from vlmcli.tasks.task import Brief, Outcome, Steps, TaskOptions
from vlmcli.tasks.thinking import split_thinking


def check_options(options: TaskOptions) -> None:
    """Raises UsageError for a form that cannot be enforced, and for options about choices without any."""
    check_form(options.form)
    if not isinstance(options.form, Choices) and (options.min_confidence or options.calibrate):
        option = "--min-confidence" if options.min_confidence else "--calibrate"
        raise UsageError(f"{option} is about choices, and there are none.", "--choices yes,no")


def ask_in_form(brief: Brief, pictures: Sequence[LoadedImage], question: str, sampling: Sampling) -> Steps:
    """The steps of a question whose answer has a form. What does not fit it is an error and no answer.

    Thoughts have none: they come first, as an answer of their own.
    """
    clock = Clock(brief.options.timeout_s)
    request = _shaped(brief.request(pictures, question, sampling), brief.options.form)
    if not brief.options.think:
        return (yield from _answer(brief.options, request, request, clock))
    reasoned, thought = yield from give_reasons(brief, pictures, question, sampling, clock)
    thinking = "\n\n".join(filter(None, split_thinking(thought.text, thought.stop_reason)))
    if gave_up(thought):
        return replace(_unfinished(thought) or Outcome("", "end"), thinking=thinking)
    asked = concluding(reasoned, thinking, question) if thinking else request
    asked = replace(request, turns=asked.turns, room_tokens=asked.room_tokens, think=False)
    outcome = yield from _answer(brief.options, asked, request, clock)
    return replace(outcome, thinking=thinking)


def _shaped(request: Request, form: Form | None) -> Request:
    request = replace(request, form=form)
    if isinstance(form, Choices):
        return request
    # a list may repeat itself, and a string hold anything
    return replace(request, sampling=replace(request.sampling, stop=(), stop_at_repetition=False))


def _answer(options: TaskOptions, request: Request, unthought: Request, clock: Clock) -> Steps:
    """`unthought`: the same question before anything was thought of the picture."""
    form = request.form
    answer = yield replace(request, timeout_s=clock.left_s())
    if unfinished := _unfinished(answer):
        return unfinished
    if isinstance(form, Choices):
        if options.calibrate and answer.probabilities:
            return (yield from _calibrated(options, form, unthought, answer, clock))
        return _chosen(options, form, answer.probabilities, answer.text)
    if isinstance(form, Schema):
        return Outcome(spaced(answer.text), "end", data=json.loads(answer.text))
    return Outcome(answer.text, "end")


def spaced(text: str) -> str:
    """JSON with a space after each comma and colon and none elsewhere, whatever the model did; numbers stay as written.

    A grammar leaves spaces to the model, which puts them anywhere.
    """
    return _OUTSIDE_STRINGS.sub(lambda m: m[0] if m[0][0] == '"' else f"{m[0].strip()} " if m[0].strip() else "", text)


_OUTSIDE_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"|[,:]|\s+')


def _calibrated(options: TaskOptions, form: Choices, request: Request, answer: Answer, clock: Clock) -> Steps:
    """The likeliest label by the probabilities over those without any picture.

    The second question is spelled as the first was scored, so that only the picture tells the two apart.
    """
    turns = tuple(Turn(t.role, tuple(part for part in t.parts if not isinstance(part, Picture))) for t in request.turns)
    unseen = yield replace(request, turns=turns, form=answer.scored or form, timeout_s=clock.left_s())
    if unfinished := _unfinished(unseen):
        return unfinished
    ratios = _ratios(answer.probabilities, unseen.probabilities) if unseen.probabilities else ()
    return _chosen(options, form, ratios, "")


def _ratios(seen: Sequence[float], unseen: Sequence[float]) -> tuple[float, ...]:
    """The one over the other, adding up to 1."""
    ratios = [share / max(without, 1e-12) for share, without in zip(seen, unseen, strict=True)]
    total = math.fsum(ratios)
    return tuple(ratio / total for ratio in ratios)


def _chosen(options: TaskOptions, form: Choices, probabilities: Sequence[float], said: str) -> Outcome:
    """The likeliest label, if it is likely enough."""
    if not probabilities and (options.min_confidence or options.calibrate or said not in form.labels):
        option = "--calibrate" if options.calibrate else "--min-confidence"
        error = EngineError("This model does not tell how likely its answers are.", f"Leave out {option}.")
        return Outcome("", "end", error=error)
    shares = tuple(zip(form.labels, probabilities, strict=True)) if probabilities else ()
    label, share = max(shares, key=lambda each: each[1], default=(said, 1.0))
    if share < options.min_confidence:
        return Outcome("", "end", probabilities=shares)
    return Outcome(label, "end", choice=label, probabilities=shares)


def _unfinished(answer: Answer) -> Outcome | None:
    """What becomes of an answer that did not come to its end."""
    if answer.stop_reason in ("end", "stop"):
        return None
    error = None if answer.stop_reason == "interrupted" else _not_whole(answer)
    return Outcome("", answer.stop_reason, error=error)


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
