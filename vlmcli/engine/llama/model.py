"""An open model: decoder, projector and template, and what only they can tell of a request."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from vlmcli.core import Choices, Family, LoadedImage, ModelFiles, Part, Picture, Request, Text
from vlmcli.engine import EngineSettings
from vlmcli.engine.detail import budget_of
from vlmcli.engine.fit import ContextPlan, Need, check_fits, plan_context
from vlmcli.engine.identity import template_of, tensors_of, types_of
from vlmcli.engine.llama import logs
from vlmcli.engine.llama.abort import Abort
from vlmcli.engine.llama.answering import Answering
from vlmcli.engine.llama.constraint import Constraint
from vlmcli.engine.llama.decoder import Decoder
from vlmcli.engine.llama.device_list import list_devices
from vlmcli.engine.llama.eyes import Eyes
from vlmcli.engine.llama.identity import identify
from vlmcli.engine.llama.labels import labels_after
from vlmcli.engine.llama.opening import Opening, Say, allowed
from vlmcli.engine.llama.pieces import Piece, TokenPiece, prompt_pieces
from vlmcli.engine.llama.projector import Projector
from vlmcli.engine.llama.prompt import THINK, Run, begins_to_think, render
from vlmcli.engine.llama.read_in import ReadIn
from vlmcli.engine.llama.saver import Saver
from vlmcli.engine.llama.scoring import BRANCHES, LEAD_TOKENS
from vlmcli.engine.llama.template import ChatTemplate
from vlmcli.engine.offload import room_for_kv
from vlmcli.engine.pace import keep_pace
from vlmcli.engine.placement import F16, Q8_0, kv_bytes
from vlmcli.engine.safety import check_build
from vlmcli.errors import DoesNotFit, EngineError, TemplateError
from vlmcli.gguf import Header, read_header
from vlmcli.grammar import grammar_of
from vlmcli.machine import count_threads, free_memory_bytes, total_memory_bytes

_MOST_THREADS = 512
"""What ggml takes (GGML_MAX_N_THREADS): with more it ends the process."""
_ONE_THREAD_BELOW_BYTES = 64 << 20
"""The steps of so small a model are shorter than the time that threads take to meet."""


class OpenModel:
    """Owns what was loaded. Raises VlmError when a file cannot serve, KeyboardInterrupt when aborted.

    `say` is told what came out less than it was wished for.
    """

    def __init__(self, files: ModelFiles, settings: EngineSettings, abort: Abort, say: Say = lambda note: None) -> None:
        started = time.monotonic()
        logs.install(settings.verbose)
        self.header = read_header(files.decoder)
        projector = read_header(files.projector)  # llama.cpp opens nothing that was not looked at
        self.threads = min(settings.threads, _MOST_THREADS) or _threads_for(self.header)
        self.threads_batch = min(settings.threads_batch, _MOST_THREADS) or self.threads
        verdict = check_build(types_of(files), settings, lambda: abort.interrupted)
        self._family = files.family
        opening = Opening(files, self.header, projector, replace(settings, offload=allowed(settings, verdict)), say)
        with ExitStack() as opened:
            load = partial(Decoder, files.decoder, abort, verdict.mode, tensors_of(files))
            self._opened = opening.open_decoder(load)
            self.decoder, self.plan = self._opened.decoder, self._opened.plan
            opened.callback(self.decoder.close)
            self._template = _chat_template(files, self.decoder)
            identity = identify(files, verdict.mode, self.plan)
            saver = Saver(settings.store) if settings.store else None
            self.read_in = ReadIn(saver, identity) if saver else None
            self.eyes = Eyes(
                lambda budget: opening.open_projector(
                    partial(Projector, files.projector, self.decoder, abort, self.threads_batch, budget=budget),
                    self.plan,
                ),
                partial(budget_of, projector=projector, family_min_tokens=files.family.image_min_tokens),
                saver,
                identity,
            )
            opened.callback(self.eyes.close)
            if saver:
                opened.callback(saver.close)
                opened.callback(keep_pace, files, self.eyes.pace)
            self._owned = opened.pop_all()
        self._load_s = time.monotonic() - started

    def prepare(self, request: Request) -> Answering:
        """Render and tokenize: from here the request's cost in tokens is known. Raises VlmError."""
        if isinstance(request.form, Choices) and request.form.lead_in:
            request = replace(request, prefix=request.form.lead_in)
        parts = render(spaced(request, self._family), self._template, self._family.separator)
        words = self.decoder.vocabulary
        pieces = prompt_pieces(parts, words, partial(self.eyes.pieces, detail=request.detail))
        if isinstance(request.form, Choices):
            return self._prepare_choices(request, parts, pieces)
        constraint = Constraint(grammar_of(request.form), words) if request.form else None
        begun = THINK if not constraint and begins_to_think(parts) else ""
        answering = Answering(request, pieces, constraint, begun=begun)
        need = check_fits(answering.need, self.trained_tokens)
        answering.need = replace(need, flash_attention=self._flash_attention)
        return answering

    def _prepare_choices(self, request: Request, parts: Sequence[Run | LoadedImage], pieces: list[Piece]) -> Answering:
        """A prompt up to where the labels differ from it and from each other; it has no answer but them."""
        assert isinstance(request.form, Choices)
        run, last = parts[-1], pieces[-1]
        assert not isinstance(run, LoadedImage)
        labels = labels_after(run, request.form.labels, self.decoder.vocabulary)
        if not isinstance(last, TokenPiece) or len(last.tokens) <= labels.cut:
            raise EngineError("This model's prompt ends with a picture, after which no label can be scored.")
        pieces[-1] = TokenPiece(last.tokens[: len(last.tokens) - labels.cut])
        answering = Answering(request, pieces, labels=labels, end_of_prompt=run)
        tokens = 2 * LEAD_TOKENS + labels.most_tokens
        need = check_fits(replace(answering.need, answer_tokens=tokens), self.trained_tokens)
        if need.answer_tokens < tokens:
            raise DoesNotFit("The labels are longer than this model's context.", "Give shorter ones to --choices.")
        answering.need = replace(need, branches=BRANCHES)
        return answering

    @property
    def _flash_attention(self) -> bool:
        """On a processor words are written and questions read more quickly without it (benchmarks/README.md)."""
        return self.plan.kv_type != F16 or self.plan.n_layers > 0

    @property
    def trained_tokens(self) -> int:
        """The longest context: the model's own, or what memory allows."""
        return min(self.decoder.trained_tokens, self._opened.most_tokens or self.decoder.trained_tokens)

    @property
    def kv_bytes_per_token(self) -> int:
        return kv_bytes(self.header.kv_bytes_per_token, self.plan.kv_type)

    def plan_context(self, needs: Sequence[Need], most_slots: int) -> ContextPlan:
        """Room for so many requests, in the memory that is free now."""
        plan = plan_context(
            needs,
            trained_tokens=self.trained_tokens,
            most_slots=most_slots,
            kv_bytes_per_token=self.kv_bytes_per_token,
            free_memory_bytes=self.free_bytes_for_kv(),
        )
        return replace(plan, kv_type=self.plan.kv_type)

    def free_bytes_for_kv(self) -> int:
        """In all, when each device takes its part of it; 0: not known."""
        free = {device.name: device.free_bytes for device in list_devices()} if self.plan.n_layers else {}
        on_gpus = [free.get(name, 0) for name in self.plan.devices]
        host = free_memory_bytes() or total_memory_bytes() // 2
        return room_for_kv(self.plan, self._opened.sizes, on_gpus, host)

    def shrink_kv(self) -> bool:
        """Store the KV of contexts to come in 8 bits. False when it is so already, or cannot be."""
        if self.plan.kv_type != F16 or not self._opened.kv_may_shrink:
            return False
        self.plan = replace(self.plan, kv_type=Q8_0)
        return True

    def take_load_s(self) -> float:
        """Seconds that opening the model, or its projector, took since this was asked last."""
        seconds, self._load_s = self._load_s, 0.0
        return seconds + self.eyes.take_open_s()

    def close(self) -> None:
        self._owned.close()


def spaced(request: Request, family: Family) -> Request:
    """The request with what the family wants before each picture. As text: templates trim what is their own."""
    if not family.before_picture:
        return request
    before = Text(family.before_picture)
    turns = []
    for turn in request.turns:
        parts: list[Part] = []
        for part in turn.parts:
            parts += [before, part] if isinstance(part, Picture) else [part]
        turns.append(replace(turn, parts=tuple(parts)))
    return replace(request, turns=tuple(turns))


def _threads_for(header: Header) -> int:
    return 1 if header.size_bytes < _ONE_THREAD_BELOW_BYTES else count_threads()


def _chat_template(files: ModelFiles, decoder: Decoder) -> ChatTemplate:
    source = template_of(files.family, decoder.chat_template)
    if not source:
        raise TemplateError(
            f"{files.decoder.name} carries no chat template, and its family is not known.",
            "Name how it was trained: --family vicuna, mistral-instruct, chatml or llama-3; or --chat-template FILE",
        )
    words = decoder.vocabulary
    return ChatTemplate(
        source,
        words.text_of(words.bos),
        words.text_of(words.eos),
        adds_bos=words.adds_bos,
        variables=files.family.template_variables,
    )
