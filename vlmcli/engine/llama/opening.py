"""A model opened where there is room for it: planned, tried, and one step lower when that fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from vlmcli.core import Device, ModelFiles, Note
from vlmcli.engine import EngineSettings
from vlmcli.engine.llama import dry_run
from vlmcli.engine.llama.decoder import Decoder
from vlmcli.engine.llama.device_list import list_devices
from vlmcli.engine.llama.placing import Placing
from vlmcli.engine.llama.projector import Projector
from vlmcli.engine.modes import Verdict
from vlmcli.engine.offload import plan_offload, step_down
from vlmcli.engine.offload_choice import choose_gpus
from vlmcli.engine.offload_wish import NO_GPU, OFF, OffloadWish
from vlmcli.engine.placement import F16, ModelSizes, OffloadPlan
from vlmcli.errors import DoesNotFit, EngineError, GpuNotToBeHad
from vlmcli.gguf import Header, read_parts
from vlmcli.gguf.buffers import decoder_buffer_bytes, encoder_buffer_bytes
from vlmcli.gguf.layers import layers_of
from vlmcli.machine import free_memory_bytes, total_memory_bytes

_CONTEXT_TOKENS = 4096
"""Room is kept for so much: a picture of LLaVA 1.6, a question and a long answer."""
_BLOCK = 32
"""Numbers that q8_0 stores together."""
SMALLER_KV = Note("Memory is short: the KV is stored in 8 bits (q8_0).", answers_differ=True)

Say = Callable[[Note], None]


@dataclass(frozen=True, slots=True)
class Opened:
    """A decoder, and by which plan it lies where it does."""

    decoder: Decoder
    plan: OffloadPlan
    sizes: ModelSizes
    kv_may_shrink: bool
    most_tokens: int = 0
    """The longest context that memory allows, where that is less than was kept in mind; else 0."""


class Opening:
    """Plans for one model. `say` is told what came out less than it was wished for."""

    def __init__(
        self, files: ModelFiles, header: Header, projector: Header, settings: EngineSettings, say: Say
    ) -> None:
        self._files, self._settings, self._say = files, settings, say
        self._gpus, self._wish = choose_gpus(_devices(settings.offload), settings.offload)
        self._context_tokens = min(header.number("{arch}.context_length") or _CONTEXT_TOKENS, _CONTEXT_TOKENS)
        self._sizes = _sizes(header, projector, self._context_tokens)
        self._kv_may_shrink = not any(size % _BLOCK for size in header.head_sizes)
        if settings.kv_type != F16 and not self._kv_may_shrink:
            raise EngineError(
                f"A {settings.kv_type} KV takes numbers by {_BLOCK}, and the attention heads of {files.decoder.name}"
                f" have {' and '.join(map(str, dict.fromkeys(header.head_sizes)))}.",
                "--kv-type f16",
            )
        if self._gpus:
            self._sizes = self._measured(self._plan(self._wish))

    def open_decoder(self, load: Callable[[Placing], Decoder]) -> Opened:
        """The decoder, by the first plan that can be had. Raises VlmError."""
        wish = self._wish
        plan = self._plan(wish)
        while True:
            try:
                decoder = load(Placing(plan))
                break
            except DoesNotFit as error:
                lower = step_down(plan, wish)
                if lower is None:
                    raise
                if self._wish.must_be_had:
                    raise GpuNotToBeHad(error.sentence, "As much as fits: --gpu auto") from None
                wish, plan = lower, self._plan(lower)
        self._tell(plan)
        most_tokens = plan.context_tokens if plan.context_tokens < self._context_tokens else 0
        return Opened(decoder, plan, self._sizes, self._kv_may_shrink, most_tokens)

    def open_projector(self, load: Callable[[Placing], Projector], plan: OffloadPlan) -> Projector:
        """On its GPU, or with the processor where that has no room left after all."""
        try:
            return load(Placing(plan))
        except DoesNotFit as error:
            if not plan.projector or self._wish.must_be_had or self._wish.projector:
                raise
            self._say(
                Note(f"{plan.projector} has no room left for the projector: the processor looks at the pictures.")
            )
            try:
                return load(Placing(replace(plan, projector="")))
            except DoesNotFit:
                raise error from None

    def _plan(self, wish: OffloadWish) -> OffloadPlan:
        return plan_offload(
            self._sizes,
            self._gpus,
            wish,
            host_free_bytes=free_memory_bytes() or total_memory_bytes(),
            context_tokens=self._context_tokens,
            kv_type=self._settings.kv_type,
            may_shrink_kv=self._kv_may_shrink,
            check_host=self._settings.check_memory,
        )

    def _measured(self, plan: OffloadPlan) -> ModelSizes:
        """The sizes, with the buffers that llama.cpp itself would make in place of our arithmetic."""
        everywhere = replace(plan, counts=_evenly(len(self._sizes.units), len(plan.devices)))
        placing = Placing(everywhere)
        found = dry_run.compute_bytes(self._files.decoder, placing, plan.context_tokens, flash_attention=True)
        return replace(self._sizes, compute_bytes=max(found.values())) if found else self._sizes

    def _tell(self, plan: OffloadPlan) -> None:
        total = len(self._sizes.units)
        if self._gpus and not self._wish.must_be_had and plan.n_layers < total:
            names = " and ".join(plan.devices)
            self._say(Note(f"{names}: room for {plan.n_layers} of {total} layers; the processor computes the others."))
        if plan.kv_type != self._settings.kv_type:
            self._say(SMALLER_KV)
        if plan.context_tokens < self._context_tokens:
            self._say(Note(f"Memory is short: the context is {plan.context_tokens} tokens.", answers_differ=True))


def allowed(settings: EngineSettings, verdict: Verdict) -> OffloadWish:
    """What may be wished for: no GPU where this build fails on it. Raises GpuNotToBeHad for what must be had."""
    wish = settings.offload
    if verdict.gpu:
        return wish
    if wish.must_be_had or wish.projector:
        raise GpuNotToBeHad(verdict.sentence or "This build of llama.cpp fails on the GPU.", verdict.remedy)
    return NO_GPU


def _evenly(total: int, among: int) -> tuple[int, ...]:
    return tuple(total * (n + 1) // among - total * n // among for n in range(among))


def _devices(wish: OffloadWish) -> tuple[Device, ...]:
    return () if wish.gpu == OFF else list_devices()


def _sizes(header: Header, projector: Header, context_tokens: int) -> ModelSizes:
    layers = layers_of(read_parts(header))
    return ModelSizes(
        layers.sizes_bytes,
        layers.kv_bytes_per_token,
        layers.rest_bytes,
        decoder_buffer_bytes(header, context_tokens),
        projector.weights_bytes + encoder_buffer_bytes(projector),
    )
