"""A llama.cpp context: the KV cache of several sequences, and the batches that go through it."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from vlmcli.engine.fit import ContextPlan, outputs_at_once
from vlmcli.engine.llama import logs
from vlmcli.engine.llama.abort import Abort
from vlmcli.engine.llama.bindings import NULL, llama
from vlmcli.engine.llama.decoder import Decoder
from vlmcli.engine.llama.pieces import RowPiece
from vlmcli.engine.llama.row_batch import RowBatch
from vlmcli.errors import DoesNotFit, EngineError

_BATCH_TOKENS = 2048
_LEAST_OUTPUTS = 16
"""With room for fewer rows of logits llama.cpp reads a prompt 1.5 times as slowly (measured with AMX: 1 and 2 are slow,
16 to 512 are not), and takes no less memory."""
_DECODE = 1  # llama.h, enum llama_process_type
_AUTOMATIC, _DISABLED, _ENABLED = -1, 0, 1  # llama.h, enum llama_flash_attn_type
_TYPES = {"f16": 1, "q8_0": 8}  # ggml.h, enum ggml_type


class Context:
    """Owns a llama_context of `plan.n_slots` sequences. Raises DoesNotFit when memory is not to be had."""

    def __init__(self, decoder: Decoder, plan: ContextPlan, abort: Abort, threads: int, threads_batch: int) -> None:
        params = llama.llama_context_default_params()
        params.n_ctx = plan.tokens_each * plan.n_slots
        params.n_batch = max(_BATCH_TOKENS, plan.micro_batch_tokens)
        params.n_ubatch = plan.micro_batch_tokens
        params.n_seq_max = plan.n_slots + plan.branches
        outputs = outputs_at_once(decoder.vocabulary.size) if plan.branches else plan.n_slots
        params.n_outputs_max = max(outputs, _LEAST_OUTPUTS)
        params.n_threads, params.n_threads_batch = threads, threads_batch
        params.kv_unified = plan.branches > 0
        params.flash_attn_type = _AUTOMATIC if plan.flash_attention else _DISABLED
        params.type_k = params.type_v = _TYPES[plan.kv_type]
        if plan.kv_type != "f16":
            params.flash_attn_type = _ENABLED  # without it llama.cpp refuses
        params.no_perf = True
        self.plan, self._abort = plan, abort
        self.n_batch: int = params.n_batch
        logs.forget()
        self.pointer = llama.llama_init_from_model(decoder.pointer, params)
        if not self.pointer:
            raise DoesNotFit(
                f"A context of {params.n_ctx} tokens could not be made: {logs.reason() or 'not enough memory'}.",
                "Ask about fewer or smaller pictures at once, lower --max-tokens, or choose a smaller model.",
            )
        self._memory = llama.llama_get_memory(self.pointer)
        self._batch = llama.llama_batch_init(self.n_batch, 0, 1)
        self._rows = RowBatch(self.pointer)

    def read_in(self, tokens: Sequence[int], position: int, slot: int, want_logits: bool) -> bool:
        """Prefill `tokens` of a sequence from `position`; `want_logits` for the last. False when aborted."""
        self.watch_abort()
        try:
            for start in range(0, len(tokens), self.n_batch):
                part = tokens[start : start + self.n_batch]
                last = start + len(part) == len(tokens)
                entries = [
                    (token, position + start + i, slot, want_logits and last and i == len(part) - 1)
                    for i, token in enumerate(part)
                ]
                if not self._decode(entries):
                    return False
            return True
        finally:
            self.work_without_abort()

    def read_rows(self, piece: RowPiece, rows: bytes, width: int, position: int, slot: int) -> bool:
        """Prefill the rows of a picture (f32, n_tokens x width) of a sequence from `position`. False when aborted."""
        self.watch_abort()
        if piece.whole_in_one_batch:
            llama.llama_set_causal_attn(self.pointer, False)
        try:
            for start in range(0, piece.n_tokens, self.n_batch):
                end = min(start + self.n_batch, piece.n_tokens)
                self._rows.fill(piece, rows, width, position, slot, range(start, end))
                if not self._check(llama.llama_process(self.pointer, _DECODE, self._rows.pointer)):
                    return False
            return True
        finally:
            llama.llama_set_causal_attn(self.pointer, True)
            self.work_without_abort()

    def step(self, tokens: Sequence[tuple[int, int, int]]) -> None:
        """Decode one (token, position, slot) each; the logits of the n-th are at index n."""
        self._decode([(token, position, slot, True) for token, position, slot in tokens])

    def branch(self, slot: int, branch: int) -> None:
        """Let a branch go on from what a slot holds. It costs nothing: they share one KV."""
        llama.llama_memory_seq_cp(self._memory, slot, branch, -1, -1)

    def read_branches(self, tokens: Sequence[tuple[int, int, int]]) -> bool:
        """Decode (token, position, branch) each; the logits of the n-th are at index n. False when aborted."""
        self.watch_abort()
        try:
            return self._decode([(token, position, branch, True) for token, position, branch in tokens])
        finally:
            self.work_without_abort()

    def watch_abort(self) -> None:
        """Look at the switch within a batch. Costs a call into Python at each node: for long batches only."""
        llama.llama_set_abort_callback(self.pointer, self._abort.on_decode, None)

    def work_without_abort(self) -> None:
        llama.llama_set_abort_callback(self.pointer, ctypes.cast(NULL, llama.ggml_abort_callback), None)

    def _decode(self, entries: Sequence[tuple[int, int, int, bool]]) -> bool:
        batch = self._batch
        batch.n_tokens = len(entries)
        for i, (token, position, slot, logits) in enumerate(entries):
            batch.token[i] = token
            batch.pos[i] = position
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = slot
            batch.logits[i] = logits
        logs.forget()
        return self._check(llama.llama_decode(self.pointer, batch))

    def _check(self, failed: int) -> bool:
        """False when a batch was aborted. Raises EngineError when it failed."""
        if failed and self._abort.stop_now:
            return False
        if failed:
            raise EngineError(f"llama.cpp could not go on: {logs.reason() or f'error {failed}'}.")
        return True

    def forget_from(self, slot: int, position: int) -> bool:
        """Forget a sequence from `position` on. False when this kind of memory cannot: then all of it is forgotten."""
        if llama.llama_memory_seq_rm(self._memory, slot, position, -1):
            return True
        llama.llama_memory_seq_rm(self._memory, slot, -1, -1)
        return False

    def copy(self, source: int, slot: int) -> bool:
        """Make one sequence hold what another holds. False when it cannot: then it holds nothing.

        At once, by way of its bytes: llama_memory_seq_cp copies between streams at the next batch, over what may
        have been put there since.
        """
        size = llama.llama_state_seq_get_size(self.pointer, source)
        state = (ctypes.c_uint8 * size)()
        got = llama.llama_state_seq_get_data(self.pointer, state, size, source)
        if got == size and llama.llama_state_seq_set_data(self.pointer, state, size, slot):
            return True
        self.forget_from(slot, 0)
        return False

    def close(self) -> None:
        pointer, self.pointer = self.pointer, None
        if pointer:
            llama.llama_batch_free(self._batch)
            self._rows.close()
            llama.llama_free(pointer)
