"""llama.cpp's own sampler chain, one for each answer."""

from __future__ import annotations

import ctypes
import math
import secrets
from typing import Any, NamedTuple

from vlmcli.core import Sampling
from vlmcli.engine.llama.bindings import llama
from vlmcli.engine.llama.constraint import Constraint
from vlmcli.engine.llama.context import Context
from vlmcli.engine.llama.decoder import Vocabulary
from vlmcli.engine.llama.observer import Observer
from vlmcli.errors import EngineError

# DRY as its author proposes: https://github.com/oobabooga/text-generation-webui/pull/5677
_DRY_BASE, _DRY_ALLOWED_LENGTH, _DRY_LAST_TOKENS = 1.75, 4, 1024
_DRY_BREAKERS = (b"\n", b":", b'"', b"*")


class Chosen(NamedTuple):
    token: int
    probability: float
    """As the model gave it, before temperature, penalties and grammar."""


class Sampler:
    """Greedy at temperature 0, else top-p, temperature and a seeded draw; within a grammar, where there is one."""

    def __init__(self, sampling: Sampling, vocabulary: Vocabulary, constraint: Constraint | None = None) -> None:
        self._vocabulary, self._constraint = vocabulary, constraint
        seed = secrets.randbits(32) if sampling.seed is None else sampling.seed & 0xFFFFFFFF
        self._free = _Chain()
        self._observer = Observer(self._free.add)
        self._bound = _Chain() if constraint else None
        if constraint and self._bound:
            self._bound.add(constraint.filter.pointer)
        for chain in filter(None, (self._free, self._bound)):
            _add_choice(chain, sampling, vocabulary, seed)

    def choose(self, context: Context, index: int) -> Chosen:
        """A token by the logits at `index` of the last batch. Raises EngineError where no token fits the grammar."""
        token = self._free.sample(context, index)
        if self._constraint and self._bound:
            token = self._choose_within(self._constraint, self._bound, token, context, index)
        logit = llama.llama_get_logits_ith(context.pointer, index)[token]
        return Chosen(token, math.exp(self._observer.log_probability(logit)))

    def _choose_within(self, constraint: Constraint, bound: _Chain, token: int, context: Context, index: int) -> int:
        """The token if it fits, else one that does: what remains likely is as likely as it was among what fits."""
        tried: set[int] = set()
        while not constraint.fits(token):
            if token in tried:
                raise EngineError(
                    "This model has no token with which its answer could go on in the form that was asked for.",
                    "Allow other characters in the pattern, or choose another model.",
                )
            tried.add(token)
            constraint.refuse(token)
            token = bound.sample(context, index)
        constraint.accept(token)
        return token

    def close(self) -> None:
        for owned in (self._free, self._bound):
            if owned:
                owned.close()


class _Chain:
    """Owns a chain of llama.cpp's samplers, and those that are in it."""

    def __init__(self) -> None:
        self._pointer = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())

    def add(self, sampler: Any) -> None:
        llama.llama_sampler_chain_add(self._pointer, sampler)

    def sample(self, context: Context, index: int) -> int:
        return int(llama.llama_sampler_sample(self._pointer, context.pointer, index))

    def close(self) -> None:
        pointer, self._pointer = self._pointer, None
        if pointer:
            llama.llama_sampler_free(pointer)


def _add_choice(chain: _Chain, sampling: Sampling, vocabulary: Vocabulary, seed: int) -> None:
    if sampling.dry_multiplier > 0:
        chain.add(_dry(sampling.dry_multiplier, vocabulary))
    if sampling.temperature <= 0:
        chain.add(llama.llama_sampler_init_greedy())
        return
    if sampling.top_p < 1:
        chain.add(llama.llama_sampler_init_top_p(sampling.top_p, 1))
    chain.add(llama.llama_sampler_init_temp(sampling.temperature))
    chain.add(llama.llama_sampler_init_dist(seed))


def _dry(multiplier: float, vocabulary: Vocabulary) -> Any:
    breakers = (ctypes.c_char_p * len(_DRY_BREAKERS))(*_DRY_BREAKERS)
    return llama.llama_sampler_init_dry(
        vocabulary.pointer,
        multiplier,
        _DRY_BASE,
        _DRY_ALLOWED_LENGTH,
        _DRY_LAST_TOKENS,
        breakers,
        len(_DRY_BREAKERS),
    )
