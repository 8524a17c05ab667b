"""An answer held to a grammar: a token that would leave it is not taken.

Asking the grammar about every token of the vocabulary is slow, so the model chooses freely first, and only where its
choice does not fit is the whole vocabulary asked. Control tokens never fit, nor does a byte that would not be UTF-8.
"""

from __future__ import annotations

import codecs
import ctypes
import math
from typing import Any

from vlmcli.engine.llama import logs
from vlmcli.engine.llama.bindings import llama
from vlmcli.engine.llama.decoder import Vocabulary
from vlmcli.engine.llama.observer import OwnSampler
from vlmcli.errors import UsageError


class Constraint:
    """Owns llama.cpp's grammar sampler. Raises UsageError when llama.cpp does not take the grammar."""

    def __init__(self, grammar: str, vocabulary: Vocabulary) -> None:
        logs.forget()
        self._grammar = llama.llama_sampler_init_grammar(vocabulary.pointer, grammar.encode(), b"root")
        if not self._grammar:
            raise UsageError(
                f"llama.cpp cannot hold an answer to this form: {logs.reason() or 'it is too large, or has no end'}.",
                "Make it smaller: lower maxLength and maxItems, or check that a $ref to itself can end.",
            )
        self._vocabulary = vocabulary
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._refused: set[int] = set()
        self.filter = OwnSampler(self._leave_what_fits)
        """For the beginning of a chain that chooses among what fits."""

    def fits(self, token: int) -> bool:
        """Whether the answer may go on with this token, or end with it."""
        if self._vocabulary.ends_answer(token):
            return self._grammar_takes(token)
        if self._vocabulary.is_control(token) or not self._grammar_takes(token):
            return False
        state = self._utf8.getstate()
        try:
            self._utf8.decode(self._vocabulary.piece(token))
            return True
        except UnicodeDecodeError:
            return False
        finally:
            self._utf8.setstate(state)

    def refuse(self, token: int) -> None:
        """Do not offer this token at this place."""
        self._refused.add(token)

    def accept(self, token: int) -> None:
        """The answer goes on with a token that fits."""
        self._refused.clear()
        if not self._vocabulary.ends_answer(token):
            self._utf8.decode(self._vocabulary.piece(token))
            llama.llama_sampler_accept(self._grammar, token)

    def _grammar_takes(self, token: int) -> bool:
        candidate = llama.llama_token_data(token, 0.0, 0.0)
        array = llama.llama_token_data_array(ctypes.pointer(candidate), 1, -1, False)
        llama.llama_sampler_apply(self._grammar, ctypes.byref(array))
        return bool(candidate.logit > -math.inf)

    def _leave_what_fits(self, candidates: Any) -> None:
        """Candidates stand in the order of their ids, as nothing has sorted them yet."""
        data = candidates.contents.data
        for token in self._refused:
            data[token].logit = -math.inf
        llama.llama_sampler_apply(self._grammar, candidates)

    def close(self) -> None:
        grammar, self._grammar = self._grammar, None
        if grammar:
            llama.llama_sampler_free(grammar)
