"""One request in work: its prompt read in piece by piece, its answer written token by token, its clock."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from vlmcli.core import Answer, LoadedImage, Request, Stage, StopReason, Timings
from vlmcli.engine.fit import Need
from vlmcli.engine.llama.context import Context
from vlmcli.engine.llama.decoder import Decoder
from vlmcli.engine.llama.projector import Projector, RowPiece, TokenPiece
from vlmcli.engine.llama.prompt import Run, tokenize_run
from vlmcli.engine.llama.sampler import Sampler
from vlmcli.engine.text import AnswerText
from vlmcli.errors import PictureLost

Piece = TokenPiece | RowPiece


def prompt_pieces(parts: Sequence[Run | LoadedImage], decoder: Decoder, projector: Projector) -> list[Piece]:
    """Runs of tokens and of rows, in order, neighbouring tokens joined: a batch is all of one kind.

    Raises PictureLost when pictures were given and no rows came out.
    """
    vocabulary = decoder.vocabulary
    pieces: list[Piece] = []
    tokens: list[int] = [vocabulary.bos] if vocabulary.adds_bos else []
    for part in parts:
        if not isinstance(part, LoadedImage):
            tokens += tokenize_run(part, vocabulary)
            continue
        for piece in projector.pieces(part):
            if isinstance(piece, TokenPiece):
                tokens += piece.tokens
                continue
            if tokens:
                pieces.append(TokenPiece(tuple(tokens)))
                tokens = []
            pieces.append(piece)
    if tokens:
        pieces.append(TokenPiece(tuple(tokens)))
    pictures = sum(isinstance(part, LoadedImage) for part in parts)
    if pictures > sum(isinstance(piece, RowPiece) for piece in pieces):
        raise PictureLost("The prompt came out without its picture, so the model was not asked.", "Please report this.")
    return pieces


def token_count(piece: Piece) -> int:
    return piece.n_tokens if isinstance(piece, RowPiece) else len(piece.tokens)


class Answering:
    """A request from admission to its Answer. Knows its slot and position; the engine says when it moves."""

    def __init__(self, request: Request, pieces: Sequence[Piece]) -> None:
        self.request = request
        self.pieces = list(pieces)
        self.need = Need(
            sum(map(token_count, pieces)),
            request.sampling.max_tokens,
            max((token_count(p) for p in pieces if isinstance(p, RowPiece) and p.whole_in_one_batch), default=0),
        )
        self.image_tokens = sum(p.n_tokens for p in pieces if isinstance(p, RowPiece))
        self._tiles = sum(isinstance(piece, RowPiece) for piece in pieces)
        self.slot = -1
        self.deadline: float | None = None
        self.stop_reason: StopReason | None = None
        self._position = 0
        self._next_token = -1
        self._written = 0
        self._sampler: Sampler | None = None
        self._text = AnswerText(
            request.sampling.stop, request.sampling.stop_at_repetition, continues=bool(request.prefix)
        )
        self._started = time.monotonic()
        self._encode_s = self._prefill_s = self._load_s = 0.0
        self._first_at = self._last_at = 0.0

    def begin(self, slot: int, decoder: Decoder, load_s: float) -> None:
        """Take a slot. `load_s`: what opening the model took before this began."""
        self.slot, self._load_s = slot, load_s
        self._sampler = Sampler(self.request.sampling, decoder.vocabulary)
        self._started = time.monotonic()
        if self.request.timeout_s is not None:
            self.deadline = self._started + self.request.timeout_s

    @property
    def stage(self) -> Stage:
        """What comes next of the prompt: words to read, or a tile to look at."""
        if not isinstance(self.pieces[0], RowPiece):
            return Stage(self.request.id, "reading")
        left = sum(isinstance(piece, RowPiece) for piece in self.pieces)
        return Stage(self.request.id, "looking", self._tiles - left, self._tiles)

    def read_piece(self, context: Context, projector: Projector) -> bool:
        """Read in the next piece of the prompt, encoding it first if it is a picture. False when aborted."""
        piece = self.pieces[0]
        if isinstance(piece, RowPiece):
            done = self._read_rows(piece, context, projector)
        else:
            done = self._read_tokens(piece, context)
        if done:
            self.pieces.pop(0)  # lets go of the picture's pixels
        return done

    def _read_rows(self, piece: RowPiece, context: Context, projector: Projector) -> bool:
        rows = self._timed_encode(piece, projector)
        if rows is None:
            return False
        started = time.monotonic()
        context.watch_abort()
        after = projector.read_in(context.pointer, piece, rows, self._position, self.slot, context.n_batch)
        context.work_without_abort()
        self._prefill_s += time.monotonic() - started
        if after < 0:
            return False
        self._position = after
        return True

    def _timed_encode(self, piece: RowPiece, projector: Projector) -> Any:
        started = time.monotonic()
        rows = projector.encode(piece)
        self._encode_s += time.monotonic() - started
        return rows

    def _read_tokens(self, piece: TokenPiece, context: Context) -> bool:
        started = time.monotonic()
        last = len(self.pieces) == 1
        done = context.read_in(piece.tokens, self._position, self.slot, want_logits=last)
        self._prefill_s += time.monotonic() - started
        self._position += len(piece.tokens)
        return done

    def choose(self, context: Context, decoder: Decoder, index: int) -> str:
        """Choose the next token by the logits at `index`: words that may be shown. Sets `stop_reason` at the end."""
        assert self._sampler is not None
        token = self._sampler.sample(context, index)
        self._last_at = time.monotonic()
        self._first_at = self._first_at or self._last_at
        if decoder.vocabulary.ends_answer(token):
            self.stop_reason = "end"
            return ""
        self._written += 1
        self._text.add(token, decoder.vocabulary.piece(token))
        self._next_token = token
        self._decide_whether_to_stop()
        return self._text.take()

    def _decide_whether_to_stop(self) -> None:
        if self._text.stopped_by == "stop":
            self.stop_reason = "stop"
        elif self._text.stopped_by == "repetition":
            self.stop_reason = "repetition"
        elif self._written >= self.need.answer_tokens:
            self.stop_reason = "length" if self._written >= self.request.sampling.max_tokens else "context"

    def step_entry(self) -> tuple[int, int, int]:
        """(token, position, slot) that decodes the token chosen last."""
        position, self._position = self._position, self._position + 1
        return self._next_token, position, self.slot

    def finish(self) -> tuple[str, Answer]:
        """The words still held back, and the whole answer. Frees the sampler."""
        rest = self._text.finish()
        if self._sampler:
            self._sampler.close()
        prompt_tokens = self.need.prompt_tokens
        reason = self.stop_reason or "interrupted"
        return rest, Answer(self._text.text, reason, prompt_tokens, self.image_tokens, self._written, self._timings())

    def _timings(self) -> Timings:
        decode_s = self._last_at - self._first_at
        steps = self._written if self.stop_reason == "end" else self._written - 1
        return Timings(
            load_ms=self._load_s * 1000,
            encode_ms=self._encode_s * 1000,
            prefill_ms=self._prefill_s * 1000,
            first_token_ms=(self._load_s + self._first_at - self._started) * 1000 if self._first_at else 0.0,
            decode_ms=decode_s * 1000,
            tokens_per_second=steps / decode_s if decode_s > 0 and steps > 0 else 0.0,
        )
