"""What a model would take to compute in, found out without taking it: llama.cpp's `no_alloc`, and what it logs then."""

from __future__ import annotations

from pathlib import Path

from vlmcli.engine.llama import logs
from vlmcli.engine.llama.bindings import llama
from vlmcli.engine.llama.placing import Placing

_BATCH_TOKENS = 512
_WITHOUT_MAPPING = 0  # llama.h, enum llama_load_mode: with it llama.cpp asserts that something is allocated


def compute_bytes(decoder: Path, placing: Placing, context_tokens: int, flash_attention: bool) -> dict[str, int]:
    """Bytes of the buffers to compute in, by device; {} when llama.cpp does not take the model so.

    Some milliseconds, or 30 for a large vocabulary. Weights and KV are not allocated.
    """
    params = llama.llama_model_default_params()
    placing.set_decoder(params)
    params.no_alloc, params.load_mode = True, _WITHOUT_MAPPING
    model = llama.llama_model_load_from_file(str(decoder).encode(), params)
    if not model:
        return {}
    try:
        return _of_context(model, context_tokens, flash_attention)
    finally:
        llama.llama_model_free(model)


def _of_context(model: int, context_tokens: int, flash_attention: bool) -> dict[str, int]:
    params = llama.llama_context_default_params()
    params.n_ctx, params.n_batch, params.n_ubatch = context_tokens, _BATCH_TOKENS, _BATCH_TOKENS
    params.n_outputs_max = 1
    params.flash_attn_type = -1 if flash_attention else 0
    logs.forget()
    context = llama.llama_init_from_model(model, params)
    if not context:
        return {}
    llama.llama_free(context)
    return logs.compute_bytes()
