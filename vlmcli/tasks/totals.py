"""What the answers of one job come to together."""

from __future__ import annotations

from bisect import bisect_left

from vlmcli.core import Answer, Confidence, Timings


def answers_that_count(answers: list[Answer]) -> list[Answer]:
    """All; where something was chosen, the choice with the picture in sight, which comes before the one without."""
    return [answer for answer in answers if answer.probabilities][:1] or answers


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


def doubtful_places(text: str, answers: list[Answer]) -> tuple[tuple[int, int], ...] | None:
    """Where in the job's `text` the model was not sure of what it wrote; None where that is not of one answer.

    The text stands at the end of the last answer, after its thinking, and its white space may be another.
    """
    if not text or not answers:
        return ()
    said = answers[-1].text
    places, written = _seen(text), _seen(said)
    start = "".join(said[i] for i in written).rfind("".join(text[i] for i in places))
    if start < 0:
        return None
    written = written[start : start + len(places)]
    bounds = ((bisect_left(written, first), bisect_left(written, end)) for first, end in answers[-1].doubtful)
    return tuple((places[first], places[end - 1] + 1) for first, end in bounds if first < end)


def _seen(text: str) -> list[int]:
    """Where its characters are that are no white space."""
    return [place for place, sign in enumerate(text) if not sign.isspace()]
