"""What a token's probability was, at next to no cost: llama.cpp sums over the vocabulary, Python looks at one number.

`llama_sampler_init_dist` turns logits into probabilities and picks one of them; behind it in the chain stands a
sampler of our own, which reads that one's logit and probability: all others follow from the two.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from typing import Any

from vlmcli.engine.llama.bindings import llama


class OwnSampler:
    """A sampler of llama.cpp's whose `apply` is a Python function of the candidates (a llama_token_data_array).

    The chain that it is added to frees `pointer`, but this object must live as long: C calls into it.
    """

    def __init__(self, apply: Callable[[Any], None]) -> None:
        interface = llama.llama_sampler_i()
        interface.apply = llama.llama_sampler_i_apply(lambda _sampler, candidates: apply(candidates))
        self._interface = interface
        self.pointer = llama.llama_sampler_init(ctypes.byref(interface), None)


class Observer:
    """Adds two samplers to the beginning of a chain; after a token was chosen, tells the probability of any."""

    def __init__(self, add: Callable[[Any], None]) -> None:
        self._log_total = 0.0
        self._own = OwnSampler(self._look)
        add(llama.llama_sampler_init_dist(0))
        add(self._own.pointer)

    def _look(self, candidates: Any) -> None:
        array = candidates.contents
        seen = array.data[array.selected]
        self._log_total = seen.logit - math.log(seen.p) if seen.p > 0 else seen.logit

    def log_probability(self, logit: float) -> float:
        """Of a token with this logit, among all tokens of the vocabulary."""
        return min(logit - self._log_total, 0.0)


class Scorer:
    """Log probabilities of given tokens, by the logits of a batch."""

    def __init__(self) -> None:
        self._chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
        self._observer = Observer(lambda sampler: llama.llama_sampler_chain_add(self._chain, sampler))
        self._greedy = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
        llama.llama_sampler_chain_add(self._greedy, llama.llama_sampler_init_greedy())

    def log_probabilities(self, context: int, index: int, tokens: list[int]) -> list[float]:
        """Of each of `tokens` to come next, by the logits at `index` of the last batch."""
        llama.llama_sampler_sample(self._chain, context, index)
        logits = llama.llama_get_logits_ith(context, index)
        return [self._observer.log_probability(logits[token]) for token in tokens]

    def likeliest(self, context: int, index: int) -> int:
        """The token that is most likely to come next."""
        return int(llama.llama_sampler_sample(self._greedy, context, index))

    def close(self) -> None:
        chains, self._chain, self._greedy = (self._chain, self._greedy), None, None
        for chain in filter(None, chains):
            llama.llama_sampler_free(chain)
