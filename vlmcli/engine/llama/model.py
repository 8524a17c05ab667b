"""An open model: decoder, projector and template, and what only they can tell of a request."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from vlmcli.core import Family, ModelFiles, Part, Picture, Request, Text
from vlmcli.engine import EngineSettings
from vlmcli.engine.fit import check_fits
from vlmcli.engine.identity import template_of, tensors_of, types_of
from vlmcli.engine.llama import devices, logs
from vlmcli.engine.llama.abort import Abort
from vlmcli.engine.llama.answering import Answering
from vlmcli.engine.llama.decoder import Decoder
from vlmcli.engine.llama.eyes import Eyes
from vlmcli.engine.llama.identity import identify
from vlmcli.engine.llama.pieces import prompt_pieces
from vlmcli.engine.llama.projector import Projector
from vlmcli.engine.llama.prompt import render
from vlmcli.engine.llama.read_in import ReadIn
from vlmcli.engine.llama.saver import Saver
from vlmcli.engine.llama.template import ChatTemplate
from vlmcli.engine.safety import check_build
from vlmcli.errors import TemplateError
from vlmcli.gguf import Header, read_header

_MOST_THREADS = 512
"""What ggml takes (GGML_MAX_N_THREADS): with more it ends the process."""
_ONE_THREAD_BELOW_BYTES = 64 << 20
"""The steps of so small a model are shorter than the time that threads take to meet."""


class OpenModel:
    """Owns what was loaded. Raises VlmError when a file cannot serve, KeyboardInterrupt when aborted."""

    def __init__(self, files: ModelFiles, settings: EngineSettings, abort: Abort) -> None:
        started = time.monotonic()
        logs.install(settings.verbose)
        self.header = read_header(files.decoder)
        read_header(files.projector)  # llama.cpp opens nothing that was not looked at
        self.threads = min(settings.threads, _MOST_THREADS) or _threads_for(self.header)
        verdict = check_build(types_of(files), settings, lambda: abort.interrupted)
        gpu = verdict.gpu and settings.gpu != "off"
        self._family = files.family
        with ExitStack() as opened:
            self.decoder = Decoder(files.decoder, abort, verdict.mode, gpu, tensors_of(files))
            opened.callback(self.decoder.close)
            self._template = _chat_template(files, self.decoder)
            identity = identify(files, verdict.mode, gpu)
            saver = Saver(settings.store) if settings.store else None
            self.read_in = ReadIn(saver, identity) if saver else None
            open_projector = partial(
                Projector,
                files.projector,
                self.decoder,
                abort,
                self.threads,
                image_min_tokens=files.family.image_min_tokens,
                gpu=gpu,
            )
            self.eyes = Eyes(open_projector, saver, identity)
            opened.callback(self.eyes.close)
            if saver:
                opened.callback(saver.close)
            self._owned = opened.pop_all()
        self._load_s = time.monotonic() - started

    def prepare(self, request: Request) -> Answering:
        """Render and tokenize: from here the request's cost in tokens is known. Raises VlmError."""
        parts = render(spaced(request, self._family), self._template, self._family.separator)
        answering = Answering(request, prompt_pieces(parts, self.decoder.vocabulary, self.eyes.pieces))
        need = check_fits(answering.need, self.decoder.trained_tokens)
        answering.need = replace(need, flash_attention=devices.flash_attention_is_better(request.one_of_many))
        return answering

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
    return 1 if header.size_bytes < _ONE_THREAD_BELOW_BYTES else devices.thread_count()


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
