"""llama.cpp's own sampler chain, one for each answer."""

from __future__ import annotations

import ctypes
import secrets

from vlmcli.core import Sampling
from vlmcli.engine.llama.bindings import llama
from vlmcli.engine.llama.context import Context
from vlmcli.engine.llama.decoder import Vocabulary

# DRY as its author proposes: https://github.com/oobabooga/text-generation-webui/pull/5677
_DRY_BASE, _DRY_ALLOWED_LENGTH, _DRY_LAST_TOKENS = 1.75, 4, 1024
_DRY_BREAKERS = (b"\n", b":", b'"', b"*")


class Sampler:
    """Owns a chain. Greedy at temperature 0, else top-p, temperature and a seeded draw."""

    def __init__(self, sampling: Sampling, vocabulary: Vocabulary) -> None:
        self.pointer = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
        if sampling.dry_multiplier > 0:
            self._add(_dry(sampling.dry_multiplier, vocabulary))
        if sampling.temperature <= 0:
            self._add(llama.llama_sampler_init_greedy())
            return
        if sampling.top_p < 1:
            self._add(llama.llama_sampler_init_top_p(sampling.top_p, 1))
        self._add(llama.llama_sampler_init_temp(sampling.temperature))
        seed = secrets.randbits(32) if sampling.seed is None else sampling.seed & 0xFFFFFFFF
        self._add(llama.llama_sampler_init_dist(seed))

    def _add(self, sampler: int) -> None:
        llama.llama_sampler_chain_add(self.pointer, sampler)

    def sample(self, context: Context, index: int) -> int:
        """Choose a token by the logits at `index` of the last batch."""
        return int(llama.llama_sampler_sample(self.pointer, context.pointer, index))

    def close(self) -> None:
        pointer, self.pointer = self.pointer, None
        if pointer:
            llama.llama_sampler_free(pointer)


def _dry(multiplier: float, vocabulary: Vocabulary) -> int:
    breakers = (ctypes.c_char_p * len(_DRY_BREAKERS))(*_DRY_BREAKERS)
    sampler: int = llama.llama_sampler_init_dry(
        vocabulary.pointer,
        multiplier,
        _DRY_BASE,
        _DRY_ALLOWED_LENGTH,
        _DRY_LAST_TOKENS,
        breakers,
        len(_DRY_BREAKERS),
    )
    return sampler
