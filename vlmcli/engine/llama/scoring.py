"""Choices: each label is scored as what the answer would be, all in one batch on a prompt that was read in once.

Many models answer in sentences: "The background is red." The model is heard first, a few words long, and if they hold
a label, all labels are scored in its place. Everything happens in branches, which share the KV of the prompt's slot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vlmcli.core import Choices
from vlmcli.engine.fit import outputs_at_once
from vlmcli.engine.leading import scored_choices, turned
from vlmcli.engine.llama.context import Context
from vlmcli.engine.llama.decoder import Vocabulary
from vlmcli.engine.llama.labels import SIDE_BY_SIDE, Labels, Score, labels_after, log_of_sum, steps_of
from vlmcli.engine.llama.observer import Scorer
from vlmcli.engine.llama.prompt import Run, continued, tokenize_run

BRANCHES = 1 + SIDE_BY_SIDE
LEAD_TOKENS = 24
"""Of the model's own words, in which a label is looked for."""
_LEAD = 1  # the branch in which the model is heard; the slot is sequence 0, and labels are in those behind
_FIRST_LABEL = 2


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt that was read in. `run`: its end in words; `cut`: so many tokens of that were left out."""

    slot: int
    position: int
    run: Run
    cut: int


@dataclass(frozen=True, slots=True)
class Scored:
    """`choices` in the order that the request has; `labels` and `scores` in that of `labels.texts`."""

    choices: Choices
    labels: Labels
    scores: list[Score]


@dataclass(frozen=True, slots=True)
class _Start:
    """Labels, and the log probability of each one's first token."""

    labels: Labels
    first: list[float]


class Scoring:
    """One request's labels, scored. Close it."""

    def __init__(self, context: Context, vocabulary: Vocabulary, prompt: Prompt) -> None:
        self._context, self._vocabulary, self._prompt = context, vocabulary, prompt
        self._scorer = Scorer()

    def run(self, choices: Choices, labels: Labels) -> Scored | None:
        """`labels`: the tokens of `choices` after the prompt, whose logits were computed last. None when aborted."""
        plain = _Start(labels, self._first(labels))
        if choices.lead_in is not None or self._prompt.cut:
            return self._scored(choices, plain, self._prompt.slot, self._prompt.position)
        starts = {each: start for each in _spellings(choices.labels) if (start := self._start(each))}
        said = self._listen()
        if said is None:
            return None
        led = scored_choices(choices.labels, said)
        if led and led.lead_in and (lead := self._lead_tokens(led)):
            return self._run_led(led, *lead)
        found = led if led and not led.lead_in and led.labels in starts else Choices(choices.labels, "")
        start = starts.get(found.labels, plain)
        return self._scored(found, start, self._prompt.slot, self._prompt.position)

    def _start(self, texts: tuple[str, ...]) -> _Start | None:
        """Other labels after the same prompt; None where their tokens would not leave it whole."""
        labels = labels_after(self._prompt.run, texts, self._vocabulary)
        return None if labels.cut else _Start(labels, self._first(labels))

    def _lead_tokens(self, led: Choices) -> tuple[list[int], Labels] | None:
        """What is to be read between the prompt and the labels; None where that cannot be told apart."""
        bare = tokenize_run(self._prompt.run, self._vocabulary)
        run = continued(self._prompt.run, led.lead_in or "")
        whole, labels = tokenize_run(run, self._vocabulary), labels_after(run, led.labels, self._vocabulary)
        lead = whole[len(bare) : len(whole) - labels.cut]
        return (lead, labels) if lead and whole[: len(bare)] == bare else None

    def _listen(self) -> str | None:
        """What the model would say, as far as it is needed to find a label. None when aborted."""
        prompt, vocabulary = self._prompt, self._vocabulary
        self._context.branch(prompt.slot, _LEAD)
        said = b""
        try:
            for at in range(LEAD_TOKENS):
                token = self._scorer.likeliest(self._context.pointer, -1)
                if vocabulary.ends_answer(token):
                    break
                said += vocabulary.piece(token)
                if not self._context.read_branches([(token, prompt.position + at, _LEAD)]):
                    return None
        finally:
            self._context.forget_from(_LEAD, 0)
        return said.decode("utf-8", "replace").strip()

    def _run_led(self, led: Choices, lead: Sequence[int], labels: Labels) -> Scored | None:
        """The labels after the model's own first words. None when aborted."""
        prompt = self._prompt
        self._context.branch(prompt.slot, _LEAD)
        try:
            if not self._context.read_branches([(t, prompt.position + at, _LEAD) for at, t in enumerate(lead)]):
                return None
            start = _Start(labels, self._first(labels, len(lead) - 1))
            return self._scored(led, start, _LEAD, prompt.position + len(lead))
        finally:
            self._context.forget_from(_LEAD, 0)

    # --- labels ---------------------------------------------------------------------------------------------

    def _scored(self, choices: Choices, start: _Start, source: int, position: int) -> Scored | None:
        scores = self._score(start.labels, start.first, source, position)
        return Scored(choices, start.labels, scores) if scores else None

    def _first(self, labels: Labels, index: int = -1) -> list[float]:
        """Of each label's first token, by the logits at `index` of what was read last."""
        return self._scorer.log_probabilities(self._context.pointer, index, [tokens[0] for tokens in labels.tokens])

    def _score(self, labels: Labels, first: Sequence[float], source: int, position: int) -> list[Score] | None:
        """Of each label after what sequence `source` holds up to `position`. None when aborted."""
        found = [[log_probability] for log_probability in first]
        for numbers in labels.rounds:
            if not self._score_round(labels, numbers, source, position, found):
                return None
        return [Score(tuple(each)) for each in found]

    def _score_round(
        self, labels: Labels, numbers: Sequence[int], source: int, position: int, found: list[list[float]]
    ) -> bool:
        steps, size = list(steps_of(labels, numbers)), outputs_at_once(self._vocabulary.size)
        branches = {number: _FIRST_LABEL + at for at, number in enumerate(numbers)}
        for number in {step[0] for step in steps}:
            self._context.branch(source, branches[number])
        try:
            for start in range(0, len(steps), size):
                part = steps[start : start + size]
                if not self._context.read_branches([(t, position + at, branches[n]) for n, at, t, _ in part]):
                    return False
                for index, (number, _, _, following) in enumerate(part):
                    tokens = self._vocabulary.ends if following is None else [following]
                    logs = self._scorer.log_probabilities(self._context.pointer, index, tokens)
                    found[number].append(min(log_of_sum(logs), 0.0))
            return True
        finally:
            for branch in branches.values():
                self._context.forget_from(branch, 0)

    def close(self) -> None:
        self._scorer.close()


def _spellings(labels: tuple[str, ...]) -> set[tuple[str, ...]]:
    """As the model may spell them where its answer begins."""
    return {turned(labels, "A"), turned(labels, "a")} - {labels}
