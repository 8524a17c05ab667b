"""An answer as it is streamed: words as they come, and what is told at the end."""

from __future__ import annotations

import json
import time
from typing import Any

from vlmcli.core import Answer, Request, StopReason, Timings
from vlmcli.engine.server.failures import message_in
from vlmcli.engine.server.scoring import Place
from vlmcli.engine.text import AnswerText

_END = "[DONE]"


class SaidError(Exception):
    """An error in the place of the next words."""

    def __init__(self, said: str, status: int) -> None:
        super().__init__(said)
        self.said, self.status = said, status


class Reading:
    """Takes the events of one answer. `is_over`: no more will come; `is_whole`: the server said so."""

    def __init__(self, request: Request) -> None:
        self.text = AnswerText(request.sampling.stop, request.sampling.stop_at_repetition, bool(request.prefix))
        self.places: list[Place] = []
        self.is_over = self.is_whole = False
        self._echo = request.prefix
        self._most_tokens = request.sampling.max_tokens
        self._began_s = time.perf_counter()
        self._first_s = self._last_s = 0.0
        self._pieces = 0
        self._reason = ""
        self._usage: dict[str, Any] = {}
        self._timings: dict[str, Any] = {}

    def take(self, event: str) -> None:
        """Raises SaidError, ValueError for what is no event of an answer."""
        if event == _END:
            self.is_over = self.is_whole = True
            return
        value = json.loads(event)
        if not isinstance(value, dict):
            raise ValueError("not an object")
        if "error" in value and "choices" not in value:
            raise SaidError(message_in(value), _status_of(value["error"]))
        self._usage = value.get("usage") or self._usage
        self._timings = value.get("timings") or self._timings
        for choice in value.get("choices") or ():
            self._take_choice(choice)

    def words(self) -> str:
        """The next ones that may be shown."""
        return self.text.take()

    def _take_choice(self, choice: dict[str, Any]) -> None:
        words = (choice.get("delta") or choice.get("message") or {}).get("content")
        if choice.get("logprobs"):
            self.places += _places(choice["logprobs"].get("content") or ())
        if words and not self.text.stopped_by:
            self._last_s = time.perf_counter()
            self._first_s = self._first_s or self._last_s
            self._pieces += 1
            self._add(str(words))
        if choice.get("finish_reason"):
            self._reason, self.is_whole = str(choice["finish_reason"]), True
        if self.text.stopped_by:
            self.is_over = self.is_whole = True

    def _add(self, words: str) -> None:
        """A piece is as good as a token for seeing loops. Some servers say again what they were to go on with."""
        if self._echo and len(words) >= len(self._echo) and words.startswith(self._echo):
            words = words[len(self._echo) :]
        self._echo = ""
        if words:
            self.text.add(hash(words), words.encode("utf-8", "replace"))

    @property
    def was_filtered(self) -> bool:
        return self._reason == "content_filter"

    def answer(self, ended: StopReason | None = None) -> Answer:
        """What was said. `ended`: who ended it, where that was not the model."""
        self.text.finish()
        usage, details = self._usage, self._usage.get("prompt_tokens_details") or {}
        tokens = int(usage.get("completion_tokens") or self._pieces)
        return Answer(
            self.text.text,
            ended or self._stop_reason(tokens),
            prompt_tokens=int(usage.get("prompt_tokens") or 0),
            answer_tokens=tokens,
            timings=self._measured(tokens),
            reused_tokens=int(details.get("cached_tokens") or 0),
        )

    def _stop_reason(self, tokens: int) -> StopReason:
        if self.text.stopped_by == "repetition":
            return "repetition"
        if self.text.stopped_by == "stop":
            return "stop"
        if self._reason == "length":
            return "length" if tokens >= self._most_tokens or not self._usage else "context"
        return "end"

    def _measured(self, tokens: int) -> Timings:
        """The first token's time is counted from sending; reading the prompt is told by llama-server alone."""
        if not self._pieces:
            return Timings()
        decode_s = self._last_s - self._first_s
        return Timings(
            prefill_ms=float(self._timings.get("prompt_ms") or 0.0),
            first_token_ms=1000 * (self._first_s - self._began_s),
            decode_ms=1000 * decode_s,
            tokens_per_second=(tokens - 1) / decode_s if decode_s > 0 and tokens > 1 else 0.0,
        )


def _places(content: Any) -> list[Place]:
    """`logprobs.content` as scoring wants it: the token that was written first."""
    found: list[Place] = []
    for each in content:
        others = [(top["token"], top["logprob"]) for top in each.get("top_logprobs") or ()]
        written = (each["token"], each["logprob"])
        found.append([written, *(other for other in others if other[0] != written[0])])
    return found


def _status_of(error: Any) -> int:
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) else 500
