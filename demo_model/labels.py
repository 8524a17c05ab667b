"""What covers each patch of a picture: the encoder's lesson, which comes with the drawing."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from .charts import MAXIMA, MOST_BARS
from .colours import COLOUR_NAMES
from .lettering import Box, Line
from .outlines import centre, draw_shape
from .texts import CHARS, LINES, LONG
from .world import SHAPES, SIZES, Scene

SIDE, PATCH = 192, 16
GRID = SIDE // PATCH
LABELS = {  # how many classes each has; 0 is nothing
    "kind": len(SHAPES) + 1,
    "colour": len(COLOUR_NAMES) + 1,
    "size": 3,
    "order": 7,  # of shapes in reading order, or of bars with their labels from the left
    "place": 10,
    "char_left": len(CHARS) + 1,
    "char_right": len(CHARS) + 1,
    "index_left": LONG + 1,  # which character of its line it is
    "index_right": LONG + 1,
    "line": LINES + 1,  # which line of the text
    "background": len(COLOUR_NAMES) + 1,
    "count": 6,  # shapes or bars in the whole picture
    "bar": 11,  # a bar with its label, and how many tenths of the axis it is high
    "rank": MOST_BARS + 1,  # a bar with its label, the highest first
    "rise": MOST_BARS + 1,  # a bar with its label, the lowest first
    "maximum": len(MAXIMA) + 1,  # of the axis, in the whole picture
}
WHOLE = ("background", "count", "maximum")  # of the whole picture: every patch has them
SMALLEST = (5, 8)  # no patch is asked for characters of a line that is narrower and lower than so many pixels
Labels = dict[str, np.ndarray]


def no_labels() -> Labels:
    return {k: np.zeros(GRID * GRID, np.int64) for k in LABELS}


def label(scene: Scene, w: int, h: int, lines: list[Line], bars: list[Box]) -> Labels:
    """lines and bars: where they were drawn on a canvas of w x h, which is then fitted into the square."""
    out, scale = no_labels(), SIDE / max(w, h)
    left, top = (SIDE - w * scale) / 2, (SIDE - h * scale) / 2

    def fitted(box: Box) -> Box:
        return box[0] * scale + left, box[1] * scale + top, box[2] * scale + left, box[3] * scale + top

    lines = [Line(line.string, [fitted(b) for b in line.boxes]) for line in lines]
    out["background"][:] = 0 if scene.outside else COLOUR_NAMES.index(scene.background) + 1
    label_shapes(scene, w, h, out)
    if scene.chart:
        label_chart(scene, lines, [fitted(b) for b in bars], out)
    elif scene.text:
        label_text(lines, scene.text.colour, out)
    return out


def label_shapes(scene: Scene, w: int, h: int, out: Labels) -> None:
    scale = SIDE / max(w, h)
    left, top = (SIDE - w * scale) / 2, (SIDE - h * scale) / 2
    mask = Image.new("L", (SIDE // 4, SIDE // 4), 0)
    d = ImageDraw.Draw(mask)
    for i, s in enumerate(scene.shapes):
        cx, cy, r = centre(scene, s, w, h)
        draw_shape(d, s, (cx * scale + left) / 4 - 0.5, (cy * scale + top) / 4 - 0.5, r * scale / 4, i + 1)
    cells = np.asarray(mask).reshape(GRID, PATCH // 4, GRID, PATCH // 4).transpose(0, 2, 1, 3).reshape(GRID * GRID, -1)
    counts = np.stack([(cells == i + 1).sum(1) for i in range(len(scene.shapes))] or [np.zeros(GRID * GRID, int)])
    owner = np.where(counts.max(0) >= 2, counts.argmax(0) + 1, 0)
    for i, s in enumerate(scene.shapes):
        mine = owner == i + 1
        for key, value in (
            ("kind", SHAPES.index(s.kind)),
            ("colour", COLOUR_NAMES.index(s.colour)),
            ("size", SIZES.index(s.size)),
            ("order", i),
            ("place", s.place),
        ):
            out[key][mine] = value + 1
    out["count"][:] = len(scene.shapes)


def overlap(start: float, end: float, step: float) -> np.ndarray:
    """How much of each step of the square's side lies between start and end."""
    at = np.arange(round(SIDE / step)) * step
    return np.clip(np.minimum(end, at + step) - np.maximum(start, at), 0, None)


def label_text(lines: list[Line], colour: str, out: Labels) -> None:
    """Which character covers the left and the right half of each patch, and the how-manieth of which line it is. A row
    of patches belongs to the line that covers most of it."""
    extents = [(min(b[1] for b in line.boxes), max(b[3] for b in line.boxes)) for line in lines]
    tall = np.stack([overlap(top, bottom, PATCH) for top, bottom in extents])
    for n, (line, (top, bottom)) in enumerate(zip(lines, extents, strict=True)):
        rows = (tall.argmax(0) == n) & (tall[n] >= min(PATCH / 3, (bottom - top) / 2))
        small = max(b[2] - b[0] for b in line.boxes) < SMALLEST[0] and bottom - top < SMALLEST[1]
        label_line(line, rows, n + 1, COLOUR_NAMES.index(colour) + 1, small, out)


def label_line(line: Line, rows: np.ndarray, number: int, colour: int, small: bool, out: Labels) -> None:
    """One line, in its rows of patches. number: 1 for the first."""
    cover = np.stack([overlap(b[0], b[2], PATCH / 2) for b in line.boxes])
    codes = np.array([CHARS.index(c) + 1 if c != " " else 0 for c in line.string])
    who, enough = cover.argmax(0), (cover.max(0) >= PATCH / 8) & (codes[cover.argmax(0)] > 0)
    for half, side in enumerate(("left", "right")):
        there = (rows[:, None] & enough[None, half::2]).reshape(-1)
        mine = np.tile(who[half::2], GRID)[there]
        out[f"char_{side}"][there] = -100 if small else codes[mine]
        out[f"index_{side}"][there] = mine + 1
        out["colour"][there], out["line"][there] = colour, number


def label_chart(scene: Scene, lines: list[Line], bars: list[Box], out: Labels) -> None:
    """Bars, and what is printed around them; a bar's label has what is known of the bar, and is no line of a text."""
    chart, falling = scene.chart, scene.chart.falling
    facts = [
        {"order": n, "bar": bar.tenths, "rank": falling.index(bar) + 1, "rise": len(bars) - falling.index(bar)}
        for n, bar in enumerate(chart.bars, 1)
    ]
    for n, line in enumerate(lines):
        alone = no_labels()
        label_text([line], "black", alone)
        for key in ("char_left", "char_right", "index_left", "index_right", "colour"):
            out[key][alone[key] != 0] = alone[key][alone[key] != 0]
        for key, value in facts[n].items() if n < len(bars) else ():
            out[key][alone["line"] > 0] = value
    for bar, known, (left, top, right, bottom) in zip(chart.bars, facts, bars, strict=True):
        tall, wide = overlap(top, bottom, PATCH), overlap(left, right, PATCH)
        there = (tall[:, None] * wide[None] >= PATCH * PATCH / 8).reshape(-1)
        for key, value in {"colour": COLOUR_NAMES.index(bar.colour) + 1, **known}.items():
            out[key][there] = value
    out["count"][:], out["maximum"][:] = len(bars), MAXIMA.index(chart.maximum) + 1
