"""The small world that the demo model knows: scenes of shapes, printed text and charts, drawn at random."""

from __future__ import annotations

import random
from dataclasses import dataclass

from .charts import Chart, sample_chart
from .colours import COLOUR_NAMES, DARK, LIGHT
from .texts import SHORT, Text, sample_long, sample_short, sample_string, sample_text

SHAPES = ["circle", "square", "triangle", "star", "diamond", "cross", "ring"]
SIZES = ["small", "large"]
PLACES = [
    "top left",
    "top center",
    "top right",
    "middle left",
    "center",
    "middle right",
    "bottom left",
    "bottom center",
    "bottom right",
]
MAX_ASPECT = 2.0
KINDS = {"shapes": 26, "text": 37, "both": 7, "chart": 26, "outside": 4}
SLACK = {"small": 0.55, "large": 0.12}  # how far from the middle of its ninth a shape may lie


@dataclass(frozen=True)
class Shape:
    kind: str
    colour: str
    size: str
    place: int  # index into PLACES
    dx: float = 0.0  # offset of the centre in its cell, -1..1
    dy: float = 0.0
    radius: float = 0.1  # half the extent, as a share of the canvas' shorter side
    turn: float = 0.0


@dataclass(frozen=True)
class Scene:
    width: int
    height: int
    background: str
    shapes: tuple[Shape, ...] = ()
    text: Text | None = None
    chart: Chart | None = None
    outside: bool = False  # a picture of another world: noise, gradients, textures
    seed: int = 0


def sample_canvas(
    rng: random.Random, width: int = 96, tallest: float = MAX_ASPECT, widest: float = MAX_ASPECT
) -> tuple[int, int]:
    """At least so wide, and at most so many times as tall as wide or as wide as tall."""
    if rng.random() < 0.3:
        side = rng.randint(width, 1024)
        return side, side
    while True:
        w, h = rng.randint(width, 1024), rng.randint(96, 1024)
        if w <= widest * h and h <= tallest * w:
            return w, h


def sample_radius(rng: random.Random, size: str) -> float:
    return rng.uniform(0.065, 0.085) if size == "small" else rng.uniform(0.125, 0.16)


def sample_shape(rng: random.Random, place: int, background: str) -> Shape:
    size = rng.choice(SIZES)
    colour = rng.choice([c for c in COLOUR_NAMES if c != background])
    kind, radius, slack = rng.choice(SHAPES), sample_radius(rng, size), SLACK[size]
    dx, dy = rng.uniform(-slack, slack), rng.uniform(-slack, slack)
    return Shape(kind, colour, size, place, dx, dy, radius, rng.uniform(-0.12, 0.12))


def sample_shapes(rng: random.Random, seed: int) -> Scene:
    background = rng.choice(COLOUR_NAMES)
    places = sorted(rng.sample(range(9), rng.choice([0, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5])))
    return Scene(*sample_canvas(rng), background, tuple(sample_shape(rng, p, background) for p in places), seed=seed)


def sample_print(rng: random.Random, string: str, shapes: bool, seed: int) -> Scene:
    """Text, alone or with one or two shapes in another third of the picture."""
    background = rng.choice(["white"] * 5 + LIGHT + ["black"] * 2 + DARK)
    text = sample_text(rng, background, rng.choice([0, 1, 1, 1, 2]), string)
    places: list[int] = []
    if shapes:
        row = rng.choice([r for r in range(3) if r != text.row])
        places = [row * 3 + c for c in sorted(rng.sample(range(3), rng.randint(1, 2)))]
    canvas = sample_canvas(rng) if text.longest <= SHORT else sample_canvas(rng, 224, tallest=1)
    return Scene(*canvas, background, tuple(sample_shape(rng, p, background) for p in places), text, seed=seed)


def sample_scene(rng: random.Random, kind: str | None = None) -> Scene:
    """kind: shapes, text, word (a short line), both, chart or outside."""
    kind = kind or rng.choices(list(KINDS), list(KINDS.values()))[0]
    seed = rng.randrange(1 << 30)
    if kind == "outside":
        return Scene(*sample_canvas(rng), "gray", outside=True, seed=seed)
    if kind == "shapes":
        return sample_shapes(rng, seed)
    if kind == "chart":
        background = rng.choice(["white"] * 5 + LIGHT)
        canvas = sample_canvas(rng, 256, tallest=1.1, widest=1.5)
        return Scene(*canvas, background, chart=sample_chart(rng, background), seed=seed)
    if kind == "text":
        return sample_print(rng, sample_string(rng), False, seed)
    long = kind == "both" and rng.random() < 0.25
    return sample_print(rng, sample_long(rng) if long else sample_short(rng), kind == "both", seed)
