"""Choices: the labels as tokens, and their scores as probabilities.

A label's score is the mean log probability of its tokens, so that a long one is not worse for being long, times the
number of tokens that the labels have on average: labels of one length get exactly the probability that the model
gives them among each other. Where one label begins another ("no", "no person"), the end of the answer counts as a
token of each. Labels are scored in a fixed order, so the order in which they were given changes no number.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from vlmcli.engine.held import common_length
from vlmcli.engine.llama.decoder import Vocabulary
from vlmcli.engine.llama.prompt import Run, continued, tokenize_run

SIDE_BY_SIDE = 64
"""Labels scored in one batch, each in a sequence of its own."""
_ROUND_TOKENS = 256
"""Of those labels; one label may have more."""


@dataclass(frozen=True, slots=True)
class Labels:
    """Tokens of each label after a prompt whose last `cut` tokens they replace. In the fixed order `texts` has."""

    texts: tuple[str, ...]
    tokens: tuple[tuple[int, ...], ...]
    cut: int
    with_end: bool

    @property
    def rounds(self) -> list[list[int]]:
        """Numbers of the labels that are scored together."""
        rounds: list[list[int]] = [[]]
        size = 0
        for number, tokens in enumerate(self.tokens):
            if rounds[-1] and (len(rounds[-1]) == SIDE_BY_SIDE or size + len(tokens) > _ROUND_TOKENS):
                rounds.append([])
                size = 0
            rounds[-1].append(number)
            size += len(tokens)
        return rounds

    @property
    def most_tokens(self) -> int:
        """That are in the context at once beside the prompt."""
        return max(sum(len(self.tokens[number]) for number in each) for each in self.rounds)


@dataclass(frozen=True, slots=True)
class Score:
    """Log probabilities of a label's tokens, that of the answer's end behind them where it counts."""

    tokens: tuple[float, ...]

    @property
    def mean(self) -> float:
        return math.fsum(self.tokens) / len(self.tokens)

    @property
    def probabilities(self) -> list[float]:
        return [math.exp(log_probability) for log_probability in self.tokens]


def labels_after(run: Run, labels: Sequence[str], vocabulary: Vocabulary) -> Labels:
    """The labels as the model would write them after `run`, the end of a prompt.

    They are tokenized together with it, since a word on its own may have other tokens than in its place. Where that
    joins a label with the end of the prompt, the prompt is cut there for all labels.
    """
    texts = tuple(sorted(labels))
    bare = tokenize_run(run, vocabulary)
    whole = [tokenize_run(continued(run, text), vocabulary) for text in texts]
    same = min(min(common_length(bare, tokens), len(tokens) - 1) for tokens in whole)
    with_end = any(b.startswith(a) for a, b in pairwise(texts))
    return Labels(texts, tuple(tuple(tokens[same:]) for tokens in whole), len(bare) - same, with_end)


def steps_of(labels: Labels, numbers: Sequence[int]) -> Iterator[tuple[int, int, int, int | None]]:
    """(label, place, token, the token after it or None for the end) of all tokens whose successor counts."""
    for number in numbers:
        tokens = labels.tokens[number]
        for at, token in enumerate(tokens):
            following = tokens[at + 1] if at + 1 < len(tokens) else None
            if following is not None or labels.with_end:
                yield number, at, token, following


def shares(scores: Sequence[Score]) -> list[float]:
    """Probabilities of labels with these scores; they add up to 1."""
    length = math.fsum(len(score.tokens) for score in scores) / len(scores)
    weighted = [score.mean * length for score in scores]
    best = max(weighted)
    if best == -math.inf:
        return [1 / len(scores)] * len(scores)
    powers = [math.exp(each - best) for each in weighted]
    total = math.fsum(powers)
    return [power / total for power in powers]


def log_of_sum(logs: Sequence[float]) -> float:
    best = max(logs)
    return best + math.log(math.fsum(math.exp(each - best) for each in logs)) if best > -math.inf else best
