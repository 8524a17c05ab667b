"""From the bytes of tokens to words that may be shown: whole characters, stop strings cut, loops held back."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Iterable, Sequence

from vlmcli.engine.repetition import RepetitionDetector


class AnswerText:
    """Collects one answer. What `take` hands out is never taken back: all of it together is `text`."""

    def __init__(
        self,
        stops: Sequence[str] = (),
        watch_repetition: bool = False,
        continues: bool = False,
        exact: bool = False,
        begun: str = "",
    ) -> None:
        """`exact`: white space at its ends belongs to it. `begun`: what it has said already."""
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._stops = [stop for stop in stops if stop]
        self._detector = RepetitionDetector() if watch_repetition else None
        self._starts: list[int] = []  # where each token's text starts
        self._whole = begun
        self._shown = 0
        self._exact = exact
        self._at_start = not (continues or exact or begun)
        self.stopped_by: str | None = None  # "stop" or "repetition"

    def add(self, token: int, piece: bytes) -> None:
        """The next token and its bytes. Sets `stopped_by` when the answer ends with it."""
        self._starts.append(len(self._whole))
        if self._detector:
            self._detector.add(token)
        self._whole += self._decoder.decode(piece)
        if self._at_start:
            self._whole = self._whole.lstrip()
            self._at_start = not self._whole
        self._cut_at_stop()
        self._cut_at_loop()

    def take(self) -> str:
        """What can be shown now and was not yet."""
        return self._show_up_to(self._safe_length())

    def finish(self) -> str:
        """The rest, at the end of the answer. After it, `text` is final."""
        if self.stopped_by is None:
            self._whole += self._decoder.decode(b"", final=True)
        self._whole = self._whole if self._exact else self._whole.rstrip()
        return self._show_up_to(len(self._whole))

    @property
    def text(self) -> str:
        return self._whole[: self._shown]

    def spans(self, numbers: Iterable[int]) -> tuple[tuple[int, int], ...]:
        """(first character, the one after the last) in `text` of these tokens, as far as they have any."""
        places = [*self._starts, len(self.text)]
        found = ((places[n], min(places[n + 1], len(self.text))) for n in numbers)
        return tuple((start, end) for start, end in found if start < end)

    def _show_up_to(self, end: int) -> str:
        start, self._shown = self._shown, max(self._shown, end)
        return self._whole[start : self._shown]

    def _cut_at_stop(self) -> None:
        places = [at for at in (self._whole.find(stop, self._shown) for stop in self._stops) if at >= 0]
        if places:
            self._whole = self._whole[: min(places)]
            self.stopped_by = "stop"

    def _cut_at_loop(self) -> None:
        start = self._detector.loop_start() if self._detector and not self.stopped_by else None
        if start is not None:
            self._whole = self._whole[: max(self._starts[start], self._shown)]
            self.stopped_by = "repetition"

    def _safe_length(self) -> int:
        """Up to white space, the beginning of a stop string, or what may be a loop: that waits for what follows."""
        end = len(self._whole) - max((self._started_length(stop) for stop in self._stops), default=0)
        doubtful = self._detector.doubtful_start() if self._detector else None
        if doubtful is not None:
            end = min(end, self._starts[doubtful])
        return len(self._whole[:end].rstrip())

    def _started_length(self, stop: str) -> int:
        """How many characters of a stop string the text ends with, short of all of them."""
        longest = min(len(stop) - 1, len(self._whole))
        return next((n for n in range(longest, 0, -1) if self._whole.endswith(stop[:n])), 0)
