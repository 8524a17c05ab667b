"""One request in work: its prompt read in piece by piece, its answer written token by token, its clock."""

from __future__ import annotations

import time
from collections.abc import Sequence

from vlmcli.core import Answer, Request, Stage, StopReason, Timings
from vlmcli.engine.held import Held, Key, Shared
from vlmcli.engine.llama.context import Context
from vlmcli.engine.llama.decoder import Decoder
from vlmcli.engine.llama.pieces import Piece, key_of, need_of, row_pieces, token_count
from vlmcli.engine.llama.projector import Projector, RowPiece, TokenPiece
from vlmcli.engine.llama.sampler import Sampler
from vlmcli.engine.text import AnswerText


class Answering:
    """A request from admission to its Answer. Knows its slot and position; the worker says when it moves."""

    def __init__(self, request: Request, pieces: Sequence[Piece]) -> None:
        self.request = request
        self.keys: list[Key] = [key_of(piece) for piece in pieces]
        self.need = need_of(pieces, request.sampling.max_tokens, request.room_tokens)
        self.pictures = frozenset(piece.key for piece in row_pieces(pieces))
        self.slot = -1
        self.deadline: float | None = None
        self.stop_reason: StopReason | None = None
        self._pieces = list(pieces)
        self._image_tokens = sum(piece.n_tokens for piece in row_pieces(pieces))
        self._held = Held()
        self._position = self._reused = 0
        self._written: list[int] = []
        self._sampler: Sampler | None = None
        self._text = AnswerText(
            request.sampling.stop, request.sampling.stop_at_repetition, continues=bool(request.prefix)
        )
        self._clock = Clock()

    @property
    def goes_on(self) -> bool:
        """A later turn of a conversation, which may go on from its own answers token by token."""
        return any(turn.role == "assistant" for turn in self.request.turns)

    @property
    def has_read(self) -> bool:
        return not self._pieces

    @property
    def pieces_left(self) -> int:
        return len(self._pieces)

    @property
    def stage(self) -> Stage:
        """What comes next of the prompt: words to read, or a tile to look at."""
        if not isinstance(self._pieces[0], RowPiece):
            return Stage(self.request.id, "reading")
        left = len(row_pieces(self._pieces))
        return Stage(self.request.id, "looking", len(self.pictures) - left, len(self.pictures))

    def begin(self, slot: int, held: Held, shared: Shared, decoder: Decoder, load_s: float) -> None:
        """Take a slot that holds `shared` of the prompt. `load_s`: what opening the model took before this."""
        self.slot, self._held, self._position = slot, held, shared.position
        self._reused = sum(map(token_count, self._pieces[: shared.pieces])) + shared.tokens
        del self._pieces[: shared.pieces]
        if shared.tokens and isinstance(self._pieces[0], TokenPiece):
            self._pieces[0] = TokenPiece(self._pieces[0].tokens[shared.tokens :])
        self._sampler = Sampler(self.request.sampling, decoder.vocabulary)
        self._clock.start(load_s)
        if self.request.timeout_s is not None:
            self.deadline = time.monotonic() + self.request.timeout_s

    def read_piece(self, context: Context, projector: Projector) -> bool:
        """Read in the next piece of the prompt, encoding it first if it is a picture. False when aborted."""
        piece = self._pieces[0]
        if isinstance(piece, RowPiece):
            done = self._read_rows(piece, context, projector)
        else:
            done = self._read_tokens(piece, context)
        if done:
            self._held.add(key_of(piece), self._position)
            self._pieces.pop(0)  # lets go of the picture's pixels
        return done

    def _read_rows(self, piece: RowPiece, context: Context, projector: Projector) -> bool:
        started = time.monotonic()
        rows = projector.encode(piece)
        self._clock.encode_s += time.monotonic() - started
        if rows is None:
            return False
        started = time.monotonic()
        context.watch_abort()
        after = projector.read_in(context.pointer, piece, rows, self._position, self.slot, context.n_batch)
        context.work_without_abort()
        self._clock.prefill_s += time.monotonic() - started
        self._position = max(after, self._position)
        return after >= 0

    def _read_tokens(self, piece: TokenPiece, context: Context) -> bool:
        started = time.monotonic()
        done = context.read_in(piece.tokens, self._position, self.slot, want_logits=self.pieces_left == 1)
        self._clock.prefill_s += time.monotonic() - started
        self._position += len(piece.tokens) if done else 0
        return done

    def choose(self, context: Context, decoder: Decoder, index: int) -> str:
        """Choose the next token by the logits at `index`: words that may be shown. Sets `stop_reason` at the end."""
        assert self._sampler is not None
        token = self._sampler.sample(context, index)
        self._clock.token()
        if decoder.vocabulary.ends_answer(token):
            self.stop_reason = "end"
            return ""
        self._written.append(token)
        self._text.add(token, decoder.vocabulary.piece(token))
        self._decide_whether_to_stop()
        return self._text.take()

    def _decide_whether_to_stop(self) -> None:
        if self._text.stopped_by == "stop":
            self.stop_reason = "stop"
        elif self._text.stopped_by == "repetition":
            self.stop_reason = "repetition"
        elif len(self._written) >= self.need.answer_tokens:
            whole = len(self._written) >= self.request.sampling.max_tokens
            self.stop_reason = "length" if whole else "context"

    def step_entry(self) -> tuple[int, int, int]:
        """(token, position, slot) that decodes the token chosen last."""
        position, self._position = self._position, self._position + 1
        token = self._written[-1]
        self._held.add((token,), self._position)
        return token, position, self.slot

    def finish(self) -> tuple[str, Answer]:
        """The words still held back, and the whole answer. Frees the sampler."""
        rest = self._text.finish()
        if self._sampler:
            self._sampler.close()
        reason = self.stop_reason or "interrupted"
        count = len(self._written)
        timings = self._clock.timings(count if reason == "end" else count - 1)
        return rest, Answer(
            self._text.text, reason, self.need.prompt_tokens, self._image_tokens, count, timings, self._reused
        )


class Clock:
    """Seconds of one request, from its start to its last token."""

    def __init__(self) -> None:
        self.encode_s = self.prefill_s = self._load_s = 0.0
        self._started = self._first = self._last = 0.0

    def start(self, load_s: float) -> None:
        self._started, self._load_s = time.monotonic(), load_s

    def token(self) -> None:
        self._last = time.monotonic()
        self._first = self._first or self._last

    def timings(self, steps: int) -> Timings:
        """`steps`: how many times the model was run after the first token."""
        decode_s = self._last - self._first
        return Timings(
            load_ms=self._load_s * 1000,
            encode_ms=self.encode_s * 1000,
            prefill_ms=self.prefill_s * 1000,
            first_token_ms=(self._load_s + self._first - self._started) * 1000 if self._first else 0.0,
            decode_ms=decode_s * 1000,
            tokens_per_second=steps / decode_s if decode_s > 0 and steps > 0 else 0.0,
        )
