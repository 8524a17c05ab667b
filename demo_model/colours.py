"""The twelve colours and the many shades that go by their names."""

from __future__ import annotations

import random

# Several anchors a colour: a sampled colour is a blend of two of them, plus a little noise.
COLOURS = {
    "red": [(255, 0, 0), (220, 40, 40), (200, 16, 30)],
    "green": [(0, 128, 0), (40, 165, 60), (0, 200, 0), (0, 240, 20)],
    "blue": [(0, 0, 255), (40, 80, 220), (20, 50, 180)],
    "yellow": [(255, 255, 0), (245, 220, 50), (255, 235, 90)],
    "orange": [(255, 165, 0), (245, 140, 30), (255, 128, 0)],
    "purple": [(128, 0, 128), (130, 50, 170), (110, 20, 160)],
    "pink": [(255, 192, 203), (245, 140, 190), (255, 105, 180)],
    "brown": [(139, 69, 19), (125, 75, 35), (110, 60, 30)],
    "black": [(0, 0, 0), (20, 20, 20), (30, 28, 32)],
    "white": [(255, 255, 255), (248, 248, 248), (240, 240, 236)],
    "gray": [(128, 128, 128), (150, 150, 150), (112, 114, 118)],
    "cyan": [(0, 255, 255), (50, 205, 220), (0, 215, 215)],
}
COLOUR_NAMES = list(COLOURS)
DARK = ["black", "blue", "purple", "brown", "red", "green"]
LIGHT = ["white", "yellow", "pink", "cyan", "orange"]


def sample_rgb(rng: random.Random, name: str) -> tuple[int, int, int]:
    a, b = rng.choice(COLOURS[name]), rng.choice(COLOURS[name])
    t = rng.random()
    return tuple(max(0, min(255, round(p + (q - p) * t + rng.uniform(-6, 6)))) for p, q in zip(a, b, strict=False))
