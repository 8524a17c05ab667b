"""What each token of an answer is about: the decoder is shown where to look, which by itself it finds only after many
more pictures. A number per token: 1 to 5 a shape, in reading order, or a bar, from the left; place_of a printed
character; CHANGED what differs between two pictures; 0 nothing in particular."""

from __future__ import annotations

import re

import numpy as np

from .charts import Chart
from .colours import COLOUR_NAMES
from .texts import Text
from .tokenizer import length
from .world import SHAPES, Scene

CHANGED = 9
CHAR, LINE, SECOND = 10, 20, 200  # places of characters begin here; from line to line; from a picture to the second one
Span = tuple[int, int, int]  # start and end in an answer, and the number of what it is about
_THING = re.compile(
    rf"(?:(?:small|large) )?(?:{'|'.join(COLOUR_NAMES)}) (?:{'|'.join(SHAPES)})\b"
    r"(?: (?:at|in) the (?:\w+ )?(?:left|right|center))?"
)
_SENTENCE = re.compile(r"(?:At|In) the [\w ]+ there is [\w ]+\.")
_PRINTED = re.compile("\x01([^\x02]*)\x02")
_BAR = re.compile("\x01([^\x02]*)\x02(?: is about [0-9]+)?")


def place_of(line: int, index: int, second: bool = False) -> int:
    """Of a character in its line, both from 1. A bar's label is the line of the bar's number."""
    return CHAR + LINE * line + index + SECOND * second


def spans_of_line(start: int, string: str, line: int, second: bool = False) -> list[Span]:
    """Every character by itself, of a line that begins there in an answer."""
    return [(start + n, start + n + 1, place_of(line, n + 1, second)) for n in range(len(string))]


def spans_of_text(text: Text, answer: str) -> list[Span]:
    """Every printed character; a line break (or the space that stands for it) is none."""
    found = []
    for m in _PRINTED.finditer(answer):
        start = m.start(1)
        for n, line in enumerate(text.lines, 1):
            found += spans_of_line(start, line, n)
            start += len(line) + 1
    return found


def spans_of_change(answer: str) -> list[Span]:
    """What a comparison says: all of it is about what changed; printed text about the one picture or the other."""
    found = [(0, len(answer), CHANGED)]
    for n, m in enumerate(_PRINTED.finditer(answer)):
        found += spans_of_line(m.start(1), m[1], 1, n == 1)
    return found


def spans_of_bars(chart: Chart, kind: str, answer: str) -> list[Span]:
    """All of a short answer about one bar; otherwise each label with the height behind it. The characters of a label
    by themselves."""
    number = {b.label: n for n, b in enumerate(chart.bars, 1)}
    found = [(m.start(), m.end(), number[m[1]]) for m in _BAR.finditer(answer)]
    if kind in ("highest", "lowest", "bar_height"):
        found = [(0, len(answer), found[0][2])]
    return found + [s for m in _PRINTED.finditer(answer) for s in spans_of_line(m.start(1), m[1], number[m[1]])]


def spans(scene: Scene, kind: str, question: str, answer: str) -> list[Span]:
    """The parts of an answer that are about something in the picture."""
    if scene.chart:
        return spans_of_bars(scene.chart, kind, answer)
    found = spans_of_text(scene.text, answer) if scene.text else []
    unprinted = _PRINTED.sub(lambda m: "\x01" * len(m[0]), answer)
    if kind == "detailed":
        found += [(m.start(), m.end(), n) for n, m in enumerate(_SENTENCE.finditer(unprinted), 1)]
    elif kind in ("short", "caption", "alt", "tags"):
        found += [(m.start(), m.end(), n) for n, m in enumerate(_THING.finditer(unprinted.lower()), 1)]
    elif kind in ("colour_of", "shape_of", "where", "is_there") and not answer.startswith(("There is no", "No.")):
        asked = set(re.findall("[a-z]+", question.lower()))
        colours = asked & set(COLOUR_NAMES)
        meant = [n for n, s in enumerate(scene.shapes, 1) if s.kind in asked and (s.colour in asked or not colours)]
        if kind == "shape_of":
            meant = [n for n, s in enumerate(scene.shapes, 1) if s.colour in asked]
        found += [(0, len(answer), n) for n in meant[:1]]
    return found


def focus(parts: list[Span], answer: str, tokens: list[int]) -> list[int]:
    """The number of each token, and 0 for the </s> behind them. The marks around printed text are no tokens."""
    numbers = np.zeros(len(answer) + 1, int)
    for start, end, number in parts:
        numbers[start:end] = number
    kept = numbers[[i for i, c in enumerate(answer) if c not in "\x01\x02"]]
    out, at = [], -1  # the first piece begins with a space that the answer has not
    for t in tokens[:-1]:
        part = kept[max(at, 0) : at + length(t)]
        out.append(int(part[-1]) if len(part) else 0)
        at += length(t)
    return [*out, 0]
