"""The lines on stderr about one record: errors, answers that are not whole, timings."""

from __future__ import annotations

from typing import TextIO

from vlmcli.core import Record
from vlmcli.errors import VlmError
from vlmcli.output.sanitize import show_name
from vlmcli.output.streams import say

_CUT_SHORT = {
    "length": "the answer reached {tokens} (--max-tokens {more} leaves it more room)",
    "context": "there was no room left in the model's context",
    "timeout": "its time was over (--timeout SECONDS gives it more)",
    "repetition": "it went round in a loop",
    "interrupted": "interrupted",
    "connection": "the server cut it off",
}


def print_error(error: BaseException, stderr: TextIO | None = None) -> None:
    """`vlm: sentence`, and under it the hint: the one way in which an error is shown."""
    sentence = error.sentence if isinstance(error, VlmError) else f"{type(error).__name__}: {error}"
    hint = error.hint if isinstance(error, VlmError) else ""
    lines = [f"vlm: {show_name(sentence)}", *(f"  {show_name(line)}" for line in hint.splitlines())]
    say("\n".join(lines), stderr)


def cut_short_line(record: Record) -> str:
    return f"vlm: {show_name(record.name)}: cut short: {cut_short_why(record)}"


def cut_short_why(record: Record) -> str:
    """Why an answer is not whole, and what to type where that helps."""
    why = _CUT_SHORT.get(record.stop_reason or "", "it is not whole")
    counts_thinking = bool(record.thinking)  # and so does not tell where the limit was
    tokens = "its most tokens" if counts_thinking else _tokens(record.answer_tokens)
    return why.format(tokens=tokens, more=max(2 * record.answer_tokens, 64))


def begun_again_line(record: Record) -> str:
    return f"vlm: {show_name(record.name)}: the answer was begun again; the last one counts"


def stats_line(record: Record, named: bool) -> str:
    """`load 0.31 s · encode 2.10 s · read 612 tokens in 2.50 s · first token 5.01 s · 48 tokens at 17.2/s`"""
    t = record.timings
    if record.cached:
        line = f"recalled · {_tokens(record.answer_tokens)}"
        return f"{show_name(record.name)}: {line}" if named else line
    parts = [
        f"load {_seconds(t.load_ms)}" if t.load_ms else "",
        f"encode {_seconds(t.encode_ms)}" if t.encode_ms else "",
        f"read {_tokens(record.prompt_tokens)} in {_seconds(t.prefill_ms)}",
        f"first token {_seconds(t.first_token_ms)}",
        _tokens(record.answer_tokens) + (f" at {t.tokens_per_second:.1f}/s" if t.tokens_per_second else ""),
    ]
    line = " · ".join(part for part in parts if part)
    return f"{show_name(record.name)}: {line}" if named else line


def _seconds(ms: float) -> str:
    return f"{ms / 1000:.2f} s" if ms < 10_000 else f"{ms / 1000:.1f} s"


def _tokens(count: int) -> str:
    return "1 token" if count == 1 else f"{count} tokens"
