"""One request in work: its prompt read in piece by piece, its answer written token by token, its clock."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import closing

from vlmcli.core import Answer, Choices, Confidence, Request, Stage, StopReason
from vlmcli.engine.held import Held, Key, Shared
from vlmcli.engine.llama.clock import Clock
from vlmcli.engine.llama.constraint import Constraint
from vlmcli.engine.llama.context import Context
from vlmcli.engine.llama.decoder import Decoder
from vlmcli.engine.llama.eyes import Eyes
from vlmcli.engine.llama.labels import Labels, shares
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
from vlmcli.engine.llama.prompt import Run
from vlmcli.engine.llama.sampler import Sampler
from vlmcli.engine.llama.scoring import Prompt, Scoring
from vlmcli.engine.text import AnswerText

_PAUSE_S, _PAUSE_AMONG_MANY_S = 0.04, 0.25
"""At the least between two chunks of an answer."""
_DOUBTFUL_BELOW = 0.5


class Answering:
    """A request from admission to its Answer. Knows its slot and position; the worker says when it moves.

    `begun`: words of the answer that stand in the prompt already.
    """

    def __init__(
        self,
        request: Request,
        pieces: Sequence[Piece],
        constraint: Constraint | None = None,
        labels: Labels | None = None,
        end_of_prompt: Run = (),
        begun: str = "",
    ) -> None:
        """`constraint` becomes its own. With `labels` it scores these after `end_of_prompt`, and writes nothing."""
        self.request = request
        self.labels, self.end_of_prompt = labels, end_of_prompt
        self._constraint = constraint
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
        self._probabilities: list[float] = []  # of what was written, token by token
        self._shares: tuple[float, ...] = ()
        self._scored: Choices | None = None
        self._sampler: Sampler | None = None
        self._text = AnswerText(
            request.sampling.stop,
            request.sampling.stop_at_repetition,
            continues=bool(request.prefix),
            exact=constraint is not None,
            begun=begun,
        )
        self._unsaid = self._text.take()
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
        self._sampler = Sampler(self.request.sampling, decoder.vocabulary, self._constraint)
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
            if done:
                eyes.pace.read(piece.n_tokens, time.monotonic() - started)
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
        """Choose the next token by the logits at `index`. Sets `stop_reason` at the end.

        Raises EngineError where no token fits the answer's form.
        """
        assert self._sampler is not None
        token, probability = self._sampler.choose(context, index)
        self._clock.token()
        if decoder.vocabulary.ends_answer(token):
            self.stop_reason = "end"
            return
        self._written.append(token)
        self._probabilities.append(probability)
        self._text.add(token, decoder.vocabulary.written(token))
        self._decide_whether_to_stop()
        self._unsaid += self._text.take()

    def choose_label(self, context: Context, decoder: Decoder) -> bool:
        """Score the labels after the prompt that was just read. False when aborted."""
        assert self.labels
        assert isinstance(self.request.form, Choices)
        prompt = Prompt(self.slot, self._position, self.end_of_prompt, self.labels.cut)
        with closing(Scoring(context, decoder.vocabulary, prompt)) as scoring:
            scored = scoring.run(self.request.form, self.labels)
        if scored is None:
            return False
        self._clock.token()
        share_of = dict(zip(scored.labels.texts, shares(scored.scores), strict=True))
        self._scored = scored.choices
        self._shares = tuple(share_of[label] for label in scored.choices.labels)
        best = max(scored.labels.texts, key=share_of.__getitem__)
        number = scored.labels.texts.index(best)
        self._written = list(scored.labels.tokens[number])
        self._probabilities = scored.scores[number].probabilities[: len(self._written)]
        self._unsaid = self.request.form.labels[scored.choices.labels.index(best)]
        self.stop_reason = "end"
        return True

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
        for owned in (self._sampler, self._constraint):
            if owned:
                owned.close()
        reason = self.stop_reason or "interrupted"
        count = len(self._written)
        timings = self._clock.timings(count if reason == "end" else count - 1)
        doubtful = [n for n, probability in enumerate(self._probabilities) if probability < _DOUBTFUL_BELOW]
        return rest, Answer(
            self._unsaid if self.labels else self._text.text,
            reason,
            self.need.prompt_tokens,
            self._image_tokens,
            count,
            timings,
            self._reused,
            confidence=_confidence(self._probabilities),
            probabilities=self._shares,
            scored=self._scored,
            doubtful=() if self.labels else self._text.spans(doubtful),
        )


def _confidence(probabilities: Sequence[float]) -> Confidence | None:
    if not probabilities:
        return None
    return Confidence(math.fsum(probabilities) / len(probabilities), min(probabilities))
