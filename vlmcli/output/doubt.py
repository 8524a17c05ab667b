"""What is worth saying of how sure a model was: doubtful words underlined, choices with their probabilities."""

from __future__ import annotations

import math
from collections.abc import Iterator

from vlmcli.core import Record
from vlmcli.output.sanitize import clean_text, show_name

_UNDERLINED, _PLAIN = "\x1b[4m", "\x1b[24m"
LEGEND = "vlm: underlined: words of which the model was less than half sure"


def explanation(record: Record) -> list[str]:
    """What is to be said, for stderr, of the words that are underlined, or why none are."""
    if record.doubtful is None:
        why = "it was chosen and not written (--probs)" if record.probabilities else "it was put together from several"
        return [f"vlm: {show_name(record.name)}: --explain: no effect on this answer, for {why}"]
    return [LEGEND] if record.doubtful else []


def marked(record: Record) -> str:
    """The answer, clean, with the doubtful words underlined."""
    text, parts, at = record.text, [], 0
    for start, end in doubtful_words(record):
        parts += [clean_text(text[at:start]), _UNDERLINED, clean_text(text[start:end]), _PLAIN]
        at = end
    return "".join([*parts, clean_text(text[at:])]).strip()


def doubtful_words(record: Record) -> Iterator[tuple[int, int]]:
    """Where the words stand of which a token is doubtful, one after the other."""
    text, at = record.text, 0
    for start, end in record.doubtful or ():
        while start < end and text[start].isspace():
            start += 1
        if start == end or end <= at:
            continue
        while start > at and not text[start - 1].isspace():
            start -= 1
        while end < len(text) and not text[end].isspace():
            end += 1
        yield start, end
        at = end


def ranked(record: Record) -> list[tuple[str, float]]:
    """All choices with their probabilities, the likeliest first."""
    return sorted(record.probabilities, key=lambda each: -each[1])


def choice_lines(record: Record) -> str:
    """The same as lines: `yes<TAB>0.984`."""
    return "\n".join(f"{show_name(label)}\t{share:.3f}" for label, share in ranked(record))


def undecided_line(record: Record) -> str:
    """Why there is no answer, for stderr. Rounded down: what was too little is never shown as enough."""
    shares = ", ".join(f"{label} {math.floor(100 * share) / 100:.2f}" for label, share in ranked(record)[:3])
    return f"vlm: {show_name(record.name)}: not sure enough ({show_name(shares)})"
