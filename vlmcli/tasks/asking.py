"""The steps of most tasks: one question and its answer, with reasons first where they were asked for."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

from vlmcli.core import Answer, LoadedImage, Request, Sampling, Text, Turn
from vlmcli.tasks.clock import Clock
from vlmcli.tasks.task import Brief, Outcome, Steps
from vlmcli.tasks.thinking import split_thinking

_REASON = "Think about it step by step, and say what you see that matters, before you answer."
_CONCLUDE = "Give only the final answer."
_REASONING_TOKENS, _THINKING_TOKENS = 1024, 4096
"""Room for reasons that were asked for, and for a model that thinks by itself, as far as the user does not say."""
_ROOM_FOR_WORDS = 256


def ask_once(
    brief: Brief,
    pictures: Sequence[LoadedImage],
    question: str,
    sampling: Sampling,
    *,
    greedy: bool = False,
    clock: Clock | None = None,
) -> Steps:
    """One request, one answer; or two, for a model that has to be asked to think.

    `clock`: of questions that were asked before this one.
    """
    clock = clock or Clock(brief.options.timeout_s)
    if brief.options.think and not brief.thinks:
        return (yield from _think_first(brief, pictures, question, sampling, greedy, clock))
    if brief.options.think:
        sampling = replace(sampling, max_tokens=max(sampling.max_tokens, _THINKING_TOKENS))
    request = brief.request(pictures, question, sampling, greedy=greedy)
    answer = yield replace(request, timeout_s=clock.left_s())
    return Outcome(answer.text, answer.stop_reason)


def _think_first(
    brief: Brief, pictures: Sequence[LoadedImage], question: str, sampling: Sampling, greedy: bool, clock: Clock
) -> Steps:
    """The reasons in one answer, what follows from them in a second, which goes on from the first."""
    request, thought = yield from give_reasons(brief, pictures, question, sampling, clock, greedy=greedy)
    thinking, text = split_thinking(thought.text, thought.stop_reason)
    if thinking and text:  # it does think by itself
        return Outcome(text, thought.stop_reason, thinking=thinking)
    if not thought.text or gave_up(thought):
        return Outcome("", thought.stop_reason, thinking=thought.text)
    answer = yield replace(concluding(request, thought.text, question), timeout_s=clock.left_s())
    return Outcome(answer.text, answer.stop_reason, thinking=thought.text)


def give_reasons(
    brief: Brief,
    pictures: Sequence[LoadedImage],
    question: str,
    sampling: Sampling,
    clock: Clock,
    *,
    greedy: bool = False,
) -> Generator[Request, Answer, tuple[Request, Answer]]:
    """The question with nothing but thoughts for an answer, and these."""
    room, words = (_THINKING_TOKENS, question) if brief.thinks else (_REASONING_TOKENS, f"{question} {_REASON}")
    sampling = replace(sampling, max_tokens=max(sampling.max_tokens, room))
    request = brief.request(pictures, words, sampling, greedy=greedy)
    room_tokens = max(request.room_tokens, request.sampling.max_tokens + _ROOM_FOR_WORDS)
    request = replace(request, room_tokens=room_tokens)
    thought = yield replace(request, says="thinking", timeout_s=clock.left_s())
    return request, thought


def gave_up(thought: Answer) -> bool:
    """There is no room or no time for anything to follow."""
    return thought.stop_reason in ("context", "timeout", "interrupted")


def concluding(request: Request, thought: str, question: str) -> Request:
    """What follows from a thought that was the answer to `request`: the two share all that was read."""
    said = Turn("assistant", (Text(thought),))
    asked = Turn("user", (Text(f"{_CONCLUDE} {question}"),))
    return replace(request, turns=(*request.turns, said, asked))
