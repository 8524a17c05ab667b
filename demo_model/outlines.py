"""The outlines of the shapes as the training renderer draws them."""

from __future__ import annotations

import math

from PIL import ImageDraw

from .world import Scene, Shape


def outline(kind: str, cx: float, cy: float, r: float, turn: float) -> list[tuple[float, float]]:
    """Corners of a shape of half extent r; circles and rings are drawn otherwise."""
    if kind == "star":
        polar = [(r * 1.12 * (1.0 if i % 2 == 0 else 0.42), math.pi * i / 5 - math.pi / 2) for i in range(10)]
    elif kind == "triangle":
        polar = [(r * 1.15, 2 * math.pi * i / 3 - math.pi / 2) for i in range(3)]
    elif kind == "square":
        polar = [(r * 1.25, math.pi * i / 2 + math.pi / 4) for i in range(4)]
    elif kind == "diamond":
        points = [(0, -1.2), (0.85, 0), (0, 1.2), (-0.85, 0)]
        polar = [(r * math.hypot(x, y), math.atan2(y, x)) for x, y in points]
    else:
        t = 0.36
        points = [
            (-t, -1),
            (t, -1),
            (t, -t),
            (1, -t),
            (1, t),
            (t, t),
            (t, 1),
            (-t, 1),
            (-t, t),
            (-1, t),
            (-1, -t),
            (-t, -t),
        ]
        polar = [(r * 1.05 * math.hypot(x, y), math.atan2(y, x)) for x, y in points]
    return [(cx + p * math.cos(a + turn), cy + p * math.sin(a + turn)) for p, a in polar]


def centre(scene: Scene, s: Shape, w: float, h: float) -> tuple[float, float, float]:
    """Centre and half extent of a shape on a canvas of w x h."""
    return (s.place % 3 + 0.5 + s.dx * 0.3) * w / 3, (s.place // 3 + 0.5 + s.dy * 0.3) * h / 3, s.radius * min(w, h)


def draw_shape(d: ImageDraw.ImageDraw, s: Shape, cx: float, cy: float, r: float, fill) -> None:
    box = (cx - r, cy - r, cx + r, cy + r)
    if s.kind == "circle":
        d.ellipse(box, fill=fill)
    elif s.kind == "ring":
        d.ellipse(box, outline=fill, width=max(2, round(r * (0.3 + abs(s.turn)))))
    else:
        d.polygon(outline(s.kind, cx, cy, r, s.turn), fill=fill)
