"""One request in work: its prompt read in piece by piece, its answer written token by token, its clock."""

from __future__ import annotations

import time
from collections.abc import Sequence

from vlmcli.core import Answer, Request, Stage, StopReason, Timings
from vlmcli.engine.held import Held, Key, Shared
from vlmcli.engine.llama.context import Context
from vlmcli.engine.llama.decoder import Decoder
from vlmcli.engine.llama.eyes import Eyes
from vlmcli.engine.llama.pieces import (
    Piece,
    RowPiece,
    TokenPiece,
    key_of,
    need_of,
    position_count,
    row_pieces,
    token_count,
)
from vlmcli.engine.llama.sampler import Sampler
from vlmcli.engine.text import AnswerText

_PAUSE_S, _PAUSE_AMONG_MANY_S = 0.04, 0.25
"""At the least between two chunks of an answer."""


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
        self._unsaid = ""
        self._silent_until = 0.0
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

    @property
    def pieces(self) -> Sequence[Piece]:
        """What is still to be read."""
        return self._pieces

    @property
    def reads_pictures(self) -> bool:
        """Whether pictures were read in for this answer, and not held or restored."""
        return self._clock.encode_s > 0

    def begin(self, slot: int, held: Held, shared: Shared, decoder: Decoder) -> None:
        """Take a slot that holds `shared` of the prompt."""
        self.slot, self._held, self._position = slot, held, shared.position
        self._reused = sum(map(token_count, self._pieces[: shared.pieces])) + shared.tokens
        del self._pieces[: shared.pieces]
        if shared.tokens and isinstance(self._pieces[0], TokenPiece):
            self._pieces[0] = TokenPiece(self._pieces[0].tokens[shared.tokens :])
        self._sampler = Sampler(self.request.sampling, decoder.vocabulary)
        self._clock.start()
        if self.request.timeout_s is not None:
            self.deadline = time.monotonic() + self.request.timeout_s

    def read_piece(self, context: Context, eyes: Eyes, width: int) -> bool:
        """Read in the next piece of the prompt, encoding it first if it is a picture. False when aborted."""
        piece = self._pieces[0]
        rows = self._look(piece, eyes) if isinstance(piece, RowPiece) else b""
        if rows is None:
            return False
        started = time.monotonic()
        if isinstance(piece, RowPiece):
            done = context.read_rows(piece, rows, width, self._position, self.slot)
        else:
            done = context.read_in(piece.tokens, self._position, self.slot, want_logits=self.pieces_left == 1)
        self._clock.prefill_s += time.monotonic() - started
        if done:
            self._position += position_count(piece)
            self._held.add(key_of(piece), self._position)
            self._pieces.pop(0)  # lets go of the picture's pixels
        return done

    def skip_pieces(self, shared: Shared) -> None:
        """The slot, which held nothing, was given so much of the prompt."""
        self._position += shared.position
        self._reused += sum(map(token_count, self._pieces[: shared.pieces]))
        del self._pieces[: shared.pieces]

    def _look(self, piece: RowPiece, eyes: Eyes) -> bytes | None:
        """The piece's rows. Opening the projector for it counts as loading."""
        started = time.monotonic()
        rows = eyes.rows(piece)
        opening_s = eyes.take_open_s()
        self.spend_loading(opening_s)
        self._clock.encode_s += time.monotonic() - started - opening_s
        return rows

    def spend_loading(self, load_s: float) -> None:
        """Opening the model, or a part of it, took so long on behalf of this request."""
        self._clock.load_s += load_s

    @property
    def read_s(self) -> float:
        """Seconds spent on looking and reading so far."""
        return self._clock.encode_s + self._clock.prefill_s

    def choose(self, context: Context, decoder: Decoder, index: int) -> None:
        """Choose the next token by the logits at `index`. Sets `stop_reason` at the end."""
        assert self._sampler is not None
        token = self._sampler.sample(context, index)
        self._clock.token()
        if decoder.vocabulary.ends_answer(token):
            self.stop_reason = "end"
            return
        self._written.append(token)
        self._text.add(token, decoder.vocabulary.piece(token))
        self._decide_whether_to_stop()
        self._unsaid += self._text.take()

    def words(self) -> str:
        """What can be shown now. Some tokens' words come together: whoever takes them disturbs the computation."""
        now = time.monotonic()
        if not self._unsaid or now < self._silent_until:
            return ""
        self._silent_until = now + (_PAUSE_AMONG_MANY_S if self.request.one_of_many else _PAUSE_S)
        words, self._unsaid = self._unsaid, ""
        return words

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
        rest = self._unsaid + self._text.finish()
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
        self.encode_s = self.prefill_s = self.load_s = 0.0
        self._started = self._first = self._last = 0.0

    def start(self) -> None:
        self._started = time.monotonic() - self.load_s

    def token(self) -> None:
        self._last = time.monotonic()
        self._first = self._first or self._last

    def timings(self, steps: int) -> Timings:
        """`steps`: how many times the model was run after the first token."""
        decode_s = self._last - self._first
        return Timings(
            load_ms=self.load_s * 1000,
            encode_ms=self.encode_s * 1000,
            prefill_ms=self.prefill_s * 1000,
            first_token_ms=(self._first - self._started) * 1000 if self._first else 0.0,
            decode_ms=decode_s * 1000,
            tokens_per_second=steps / decode_s if decode_s > 0 and steps > 0 else 0.0,
        )
