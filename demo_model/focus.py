"""What each token of an answer is about: the decoder is shown where to look, which by itself it finds only after many
more pictures. A number per token: 1 to 5 a shape, in reading order; 11 to 18 a printed character; CHANGED what differs
between two pictures; 0 nothing in particular."""

from __future__ import annotations

import re

import numpy as np

from .tokenizer import VOCAB
from .world import COLOUR_NAMES, SHAPES, Scene

CHAR, CHANGED = 10, 50
_THING = re.compile(
    rf"(?:(?:small|large) )?(?:{'|'.join(COLOUR_NAMES)}) (?:{'|'.join(SHAPES)})\b"
    r"(?: (?:at|in) the (?:\w+ )?(?:left|right|center))?"
)
_SENTENCE = re.compile(r"(?:At|In) the [\w ]+ there is [\w ]+\.")


def spans(scene: Scene, kind: str, question: str, answer: str) -> list[tuple[int, int, int]]:
    """(start, end, number) of the parts of an answer."""
    found = []
    for text in re.finditer("\x01(.*?)\x02", answer):
        found += [(text.start(1) + n, text.start(1) + n + 1, CHAR + 1 + n) for n in range(len(text[1]))]
    if kind == "detailed":
        found += [(m.start(), m.end(), n) for n, m in enumerate(_SENTENCE.finditer(answer), 1)]
    elif kind in ("short", "caption", "alt", "tags"):
        found += [(m.start(), m.end(), n) for n, m in enumerate(_THING.finditer(answer.lower()), 1)]
    elif kind in ("colour_of", "shape_of", "where", "is_there") and not answer.startswith(("There is no", "No.")):
        asked = set(re.findall("[a-z]+", question.lower()))
        colours = asked & set(COLOUR_NAMES)
        meant = [n for n, s in enumerate(scene.shapes, 1) if s.kind in asked and (s.colour in asked or not colours)]
        if kind == "shape_of":
            meant = [n for n, s in enumerate(scene.shapes, 1) if s.colour in asked]
        found += [(0, len(answer), n) for n in meant[:1]]
    return found


def focus(parts: list[tuple[int, int, int]], answer: str, tokens: list[int]) -> list[int]:
    """The number of each token, and 0 for the </s> behind them. The marks around printed text are no tokens."""
    numbers = np.zeros(len(answer) + 1, int)
    for start, end, number in parts:
        numbers[start:end] = number
    kept = numbers[[i for i, c in enumerate(answer) if c not in "\x01\x02"]]
    out, at = [], -1  # the first piece begins with a space that the answer has not
    for t in tokens[:-1]:
        size = len(VOCAB[t][0])
        part = kept[max(at, 0) : at + size]
        out.append(int(part[-1]) if len(part) else 0)
        at += size
    return [*out, 0]
