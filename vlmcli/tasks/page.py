"""A page that is larger than the model's eyes: read look by look, side by side, and put together again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from vlmcli.core import Confidence, Page, PagePiece, Picture, Request, StopReason, TextLine, Turn
from vlmcli.tasks.clock import Clock
from vlmcli.tasks.composing import blocks_of, compose
from vlmcli.tasks.reading import read_look
from vlmcli.tasks.task import Brief, Outcome, Steps
from vlmcli.tasks.together import Together

_TOKENS_PER_LETTER, _TOKENS_AT_LEAST = 2, 32
_NARROW_LETTER = 0.25
"""Its width over the height of its line, to know how long an answer can be."""


def read_page(page: Page, request: Request, brief: Brief) -> Steps:
    """All looks of a page. `request` has the words to ask, and no picture yet."""
    reader = _Reader(page, request, brief, Clock(request.timeout_s))
    style = brief.options.style
    outcomes = yield Together(tuple(map(reader.read, page.looks)), partial(_shown, page, style))
    lines = [line for outcome in outcomes for line in outcome.lines]
    reasons = [outcome.stop_reason for outcome in outcomes if outcome.cut_short]
    return Outcome(
        _shown(page, style, outcomes), reasons[0] if reasons else "end", blocks=blocks_of(page, lines, style)
    )


def _shown(page: Page, style: str, outcomes: Sequence[Outcome | None]) -> str:
    """What was read up to the first look that is not done."""
    lines: list[TextLine] = []
    for outcome, look in zip(outcomes, page.looks, strict=True):
        if outcome is None:
            break
        lines += outcome.lines or [TextLine("", piece.box) for piece in look]  # it was never begun
    return compose(page, lines, style)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the looks at one page."""

    page: Page
    request: Request
    brief: Brief
    clock: Clock

    def read(self, look: Sequence[PagePiece]) -> Steps:
        """A look; again by halves when the answer has not as many rows as the look, until what is where is known."""
        outcome = yield from read_look(self._request(look), self.clock)
        rows = self._rows(outcome.text)
        if len(look) == 1:
            rows = [self._of_one(look[0], rows)]
        gave_up = outcome.stop_reason in ("interrupted", "timeout")
        if len(rows) == len(look) or gave_up or _are_whole_lines(look):
            return _outcome(look, _spread(rows, len(look)), outcome.stop_reason, outcome.confidence)
        half = len(look) // 2
        first = yield from self.read(look[:half])
        second = yield from self.read(look[half:])
        stop_reason: StopReason = first.stop_reason if first.cut_short else second.stop_reason
        return Outcome("", stop_reason, lines=first.lines + second.lines)

    def _of_one(self, piece: PagePiece, rows: list[str]) -> str:
        """What was read of a piece alone. Below a word there is nothing: more than one row was made up."""
        if piece.dense:
            return "\n".join(rows)
        return " ".join(rows[:1] if self.brief.family.reading.words == 1 else rows)

    def _request(self, look: Sequence[PagePiece]) -> Request:
        """The look before the words, or behind them, as the family wants it; room for as much as can stand there."""
        assert self.page.show
        picture = Picture(self.page.show(look))
        *before, question = self.request.turns
        parts = (picture, *question.parts) if self.brief.family.picture_first else (*question.parts, picture)
        most = self.brief.options.max_tokens or self.request.sampling.max_tokens
        sampling = replace(self.request.sampling, max_tokens=min(most, _most_tokens(look)))
        return replace(self.request, turns=(*before, Turn(question.role, parts)), sampling=sampling)

    def _rows(self, text: str) -> list[str]:
        rows = [row.strip() for row in text.splitlines()]
        no_text = self.brief.family.reading.no_text
        return [row for row in rows if row and row not in no_text]


def _are_whole_lines(look: Sequence[PagePiece]) -> bool:
    """What the model makes of lines as they stand is taken as it is: where each row belongs matters less."""
    return len({piece.line for piece in look}) == len(look) and not any(piece.joint for piece in look)


def _most_tokens(look: Sequence[PagePiece]) -> int:
    letters = 0.0
    for left, top, right, bottom in (piece.box for piece in look):
        height = bottom - top
        letters += (right - left) / (_NARROW_LETTER * max(1, min(height, (right - left))))
    if any(piece.dense for piece in look):
        letters *= 10
    return _TOKENS_AT_LEAST + round(_TOKENS_PER_LETTER * letters)


def _spread(rows: list[str], many: int) -> list[str]:
    """So many rows as there are pieces: too many are laid together, too few leave the last ones empty."""
    if len(rows) <= many:
        return rows + [""] * (many - len(rows))
    return ["\n".join(rows[len(rows) * i // many : len(rows) * (i + 1) // many]) for i in range(many)]


def _outcome(
    look: Sequence[PagePiece], rows: list[str], stop_reason: StopReason, confidence: Confidence | None
) -> Outcome:
    lines = tuple(TextLine(row, piece.box, confidence) for row, piece in zip(rows, look, strict=True))
    return Outcome("", stop_reason, lines=lines)
