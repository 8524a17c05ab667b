"""What the answers of one job come to together."""

from __future__ import annotations

from vlmcli.core import Answer, Confidence, Timings


def mean_confidence(answers: list[Answer]) -> Confidence | None:
    """Of all tokens that were written."""
    known = [(answer.confidence, answer.answer_tokens) for answer in answers if answer.confidence]
    tokens = sum(count for _, count in known)
    if not tokens:
        return None
    return Confidence(sum(c.mean * count for c, count in known) / tokens, min(c.lowest for c, _ in known))


def total_timings(answers: list[Answer]) -> Timings:
    """Timings of a job of several answers: the first word is the first answer's, the rest adds up."""
    if not answers:
        return Timings()
    if len(answers) == 1:
        return answers[0].timings
    timings = [answer.timings for answer in answers]
    decode_ms = sum(t.decode_ms for t in timings)
    steps = sum(t.tokens_per_second * t.decode_ms for t in timings)
    return Timings(
        load_ms=timings[0].load_ms,
        encode_ms=sum(t.encode_ms for t in timings),
        prefill_ms=sum(t.prefill_ms for t in timings),
        first_token_ms=timings[0].first_token_ms,
        decode_ms=decode_ms,
        tokens_per_second=steps / decode_ms if decode_ms else 0.0,
    )
