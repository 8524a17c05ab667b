"""The phases of an answer, each measured alone with the engine's own parts: load, encode, prefill, decode, memory."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

from vlmcli.core import LoadedImage, Measured, ModelFiles, Picture, Request, Sampling, Text, Turn
from vlmcli.engine import EngineSettings
from vlmcli.engine.llama import devices
from vlmcli.engine.llama.abort import Abort
from vlmcli.engine.llama.bindings import llama
from vlmcli.engine.llama.context import Context
from vlmcli.engine.llama.device_list import list_devices
from vlmcli.engine.llama.model import OpenModel
from vlmcli.engine.llama.pieces import Piece, RowPiece, TokenPiece, position_count, token_count
from vlmcli.errors import EngineError

QUESTION = "What is in this picture?"
MOST_SEQUENCES = 16
_STEPS = 48
"""The most steps of decoding that are timed, and the room for them in the context."""
_LEAST_STEPS = 8
_LONG_ENOUGH_S = 0.5
"""A phase that is over sooner is measured again, up to so many times."""
_MOST_TIMES = 10


def measure(files: ModelFiles, settings: EngineSettings, image: LoadedImage) -> Iterator[Measured]:
    """Each phase once, as soon as it is measured; nothing of the cache is used. Raises VlmError.

    Decoding is measured at the depth of a prompt with one picture, with one sequence as a single question has it, and
    with 1, 2, 4, … side by side as a folder has them. Those for which there is no memory are left out.
    """
    free_before = {device.name: device.free_bytes for device in list_devices() if device.is_gpu}
    started = time.monotonic()
    with closing(OpenModel(files, replace(settings, store=None), Abort())) as model:
        _ = model.eyes.projector  # opened
        seconds = time.monotonic() - started
        yield Measured("load", seconds, "s", seconds=seconds)
        prompt = _Prompt(model, image)
        yield Measured("encode", seconds := prompt.encode(), "s", prompt.image_tokens, seconds)
        yield from _alone(model, prompt)
        yield from _side_by_side(model, prompt, settings.parallel or MOST_SEQUENCES)
        for device in list_devices():
            if device.is_gpu:
                used_bytes = max(free_before.get(device.name, 0) - device.free_bytes, 0)
                yield Measured(f"memory {device.name}", used_bytes, "bytes")
    if peak_bytes := _peak_memory_bytes():
        yield Measured("memory", peak_bytes, "bytes")


class _Prompt:
    """A question about a picture, ready to be read in: its pieces, and the rows of its picture."""

    def __init__(self, model: OpenModel, image: LoadedImage) -> None:
        turn = Turn("user", (Picture(image), Text(QUESTION)))
        request = Request(0, (turn,), Sampling(max_tokens=_STEPS))
        answering = model.prepare(request)
        self._model, self._pieces, self.need = model, list(answering.pieces), answering.need
        self._rows: dict[int, bytes] = {}

    @property
    def tokens(self) -> int:
        return sum(map(token_count, self._pieces))

    @property
    def image_tokens(self) -> int:
        return sum(piece.n_tokens for piece in self._pieces if isinstance(piece, RowPiece))

    @property
    def positions(self) -> int:
        return sum(map(position_count, self._pieces))

    @property
    def any_token(self) -> int:
        """One of the prompt's words: what is written does not matter for how long it takes."""
        return next(piece.tokens[-1] for piece in reversed(self._pieces) if isinstance(piece, TokenPiece))

    def encode(self) -> float:
        """Seconds for the picture with all its tiles. Keeps the rows."""
        return _median_s(self._encode)

    def _encode(self) -> None:
        for index, piece in enumerate(self._pieces):
            if isinstance(piece, RowPiece):
                rows = self._model.eyes.rows(piece)
                if rows is None:
                    raise EngineError("The picture could not be encoded.")
                self._rows[index] = rows

    def read_in(self, context: Context) -> None:
        """Prefill all of it into the first sequence, which is emptied before."""
        context.forget_from(0, 0)
        position = 0
        for index, piece in enumerate(self._pieces):
            self._read_piece(context, index, piece, position)
            position += position_count(piece)
        llama.llama_synchronize(context.pointer)  # a GPU still computes when it has taken its orders

    def _read_piece(self, context: Context, index: int, piece: Piece, position: int) -> None:
        if isinstance(piece, RowPiece):
            context.read_rows(piece, self._rows[index], self._model.decoder.width, position, 0)
        else:
            context.read_in(piece.tokens, position, 0, want_logits=index == len(self._pieces) - 1)


def _alone(model: OpenModel, prompt: _Prompt) -> Iterator[Measured]:
    """As one question is computed."""
    with closing(_context(model, prompt, 1)) as context:
        seconds = _median_s(lambda: prompt.read_in(context))
        yield Measured("prefill", prompt.tokens / seconds, "tokens/s", prompt.tokens, seconds)
        yield _decoding("decode", context, prompt, 1)


def _side_by_side(model: OpenModel, prompt: _Prompt, most: int) -> Iterator[Measured]:
    """As many questions are computed: the same picture in each sequence, which takes as long as another one would."""
    most = min(most, devices.MOST_SEQUENCES)
    with closing(_context(model, prompt, most)) as context:
        prompt.read_in(context)
        slots = context.plan.n_slots
        for slot in range(1, slots):
            if not context.copy(0, slot):
                slots = slot
                break
        for sequences in (2**power for power in range(slots.bit_length())):
            yield _decoding(f"decode x {sequences}", context, prompt, sequences)


def _context(model: OpenModel, prompt: _Prompt, most: int) -> Context:
    plan = model.plan_context([prompt.need] * most, most)
    return Context(model.decoder, plan, Abort(), model.threads, model.threads_batch)


def _decoding(name: str, context: Context, prompt: _Prompt, sequences: int) -> Measured:
    """Steps of all sequences together after the prompt, which alone they hold afterwards."""
    room = min(_STEPS, context.plan.tokens_each - prompt.tokens)
    steps, started, seconds = 0, time.monotonic(), 0.0
    while steps < _LEAST_STEPS or (seconds < _LONG_ENOUGH_S and steps < _STEPS * _MOST_TIMES):
        if steps % room == 0:
            for slot in range(sequences):
                context.forget_from(slot, prompt.positions)
        position = prompt.positions + steps % room
        context.step([(prompt.any_token, position, slot) for slot in range(sequences)])
        llama.llama_synchronize(context.pointer)
        steps, seconds = steps + 1, time.monotonic() - started
    return Measured(name, steps * sequences / seconds, "tokens/s", steps * sequences, seconds)


def _median_s(work: Callable[[], None]) -> float:
    times: list[float] = []
    while not times or (sum(times) < _LONG_ENOUGH_S and len(times) < _MOST_TIMES):
        started = time.monotonic()
        work()
        times.append(time.monotonic() - started)
    return statistics.median(times)


def _peak_memory_bytes() -> int:
    """The largest resident set of this process, mapped files included; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
