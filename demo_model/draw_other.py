"""A second way of drawing the same world, for evaluation only: drawn at four times the size and averaged down, its own
outlines, colours, fonts and charts, then noise, blur and JPEG artefacts: the score is not to be a memory of draw.py."""

from __future__ import annotations

import io
import math
import random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .charts import Chart
from .lettering import block, fit_text, font, set_lines
from .texts import SHORT, Text
from .world import Scene, Shape

FACES = ["FreeSans", "FreeSansBold", "FreeSerif", "FreeMonoBold", "OpenSans-Regular", "OpenSans-Bold"]
PALETTE = {
    "red": "#e6194b #d62728 #ff1a1a",
    "green": "#2ca02c #3cb44b #118811",
    "blue": "#1f4fd8 #3a5fff #1010c8",
    "yellow": "#ffe119 #fff200 #f7dc2a",
    "orange": "#f58231 #ff9500 #ff8c1a",
    "purple": "#7b1fa2 #8e24aa #6a0dad",
    "pink": "#ff8fc8 #ffb3c6 #f78fb3",
    "brown": "#8b5a2b #7a4a20 #6b3e1e",
    "black": "#111111 #000000 #1c1c1c",
    "white": "#ffffff #fafafa #f4f4f4",
    "gray": "#808080 #8c8c8c #777777",
    "cyan": "#00e5ff #22d3ee #17e0e0",
}


def ellipse(cx: float, cy: float, r: float) -> list[tuple[float, float]]:
    return [(cx + r * math.cos(a / 36 * math.pi), cy + r * math.sin(a / 36 * math.pi)) for a in range(72)]


def corners(s: Shape, cx: float, cy: float, r: float) -> list[tuple[float, float]]:
    if s.kind == "square":
        k = r * 0.9
        return [(cx - k, cy - k), (cx + k, cy - k), (cx + k, cy + k), (cx - k, cy + k)]
    if s.kind == "triangle":
        return [(cx, cy - r * 1.1), (cx + r * 1.05, cy + r * 0.75), (cx - r * 1.05, cy + r * 0.75)]
    if s.kind == "diamond":
        return [(cx, cy - r * 1.15), (cx + r * 0.8, cy), (cx, cy + r * 1.15), (cx - r * 0.8, cy)]
    if s.kind == "star":
        return [
            (cx + r * k * math.sin(i * math.pi / 5), cy - r * k * math.cos(i * math.pi / 5))
            for i, k in enumerate([1.15, 0.46] * 5)
        ]
    t = r * 0.33
    return [
        (cx - t, cy - r),
        (cx + t, cy - r),
        (cx + t, cy - t),
        (cx + r, cy - t),
        (cx + r, cy + t),
        (cx + t, cy + t),
        (cx + t, cy + r),
        (cx - t, cy + r),
        (cx - t, cy + t),
        (cx - r, cy + t),
        (cx - r, cy - t),
        (cx - t, cy - t),
    ]


def draw_outside(noise: np.random.Generator, w: int, h: int) -> Image.Image:
    """Sums of random waves, or rough terrain: no training picture looks the same."""
    y, x = np.mgrid[0:h, 0:w] / max(w, h)
    layers = []
    for _ in range(3):
        total = np.zeros((h, w))
        for k in range(8):
            fx, fy, phase = [*noise.normal(0, 4 + 3 * k, 2).tolist(), noise.uniform(0, 7)]
            total += np.sin(fx * x + fy * y + phase) / (1 + 0.4 * k)
        layers.append(total)
    field = np.stack(layers, -1)
    field = (field - field.min()) / (field.max() - field.min()) * 255 + noise.normal(0, 8, (h, w, 3))
    return Image.fromarray(np.clip(field, 0, 255).astype(np.uint8))


def print_text(d: ImageDraw.ImageDraw, text: Text, w: int, h: int, rng: random.Random) -> None:
    face, wide = rng.choice(FACES), rng.uniform(0.7, 0.92) if text.longest <= SHORT else rng.uniform(0.9, 0.96)
    one, pitch, lean = len(text.lines) == 1, rng.uniform(1.15, 1.35), rng.choice([0.0, 0.5])
    tall = rng.uniform(0.6, 0.9) * h / 3 if one else rng.uniform(0.7, 0.9) * h
    f, fill = fit_text(text.string, face, wide * w, tall, pitch), rng.choice(PALETTE[text.colour].split())
    width, top, bottom = block(text.lines, f, pitch)
    y = min(max((text.row + 0.5) * h / 3 - (top + bottom) / 2, h * 0.02 - top), h * 0.98 - bottom)
    set_lines(d, text.lines, f, (w - width) / 2, y, pitch, fill, lean)


def plot(d: ImageDraw.ImageDraw, chart: Chart, w: int, h: int, rng: random.Random) -> None:
    """A chart in a frame, with ticks that stick out of it, and bars that have an edge in some."""
    face, ink = rng.choice(FACES), rng.choice(PALETTE["black"].split())
    f = font(face, round(w * rng.uniform(0.06, 0.07)))
    left, right = f.getlength(str(chart.maximum)) + w * 0.05, w * rng.uniform(0.94, 0.98)
    cell = (right - left) / len(chart.bars)
    names = min((fit_text(b.label, face, cell * 0.92, w * 0.085) for b in chart.bars), key=lambda g: g.size)
    top, bottom = f.size * 0.6 + h * rng.uniform(0.02, 0.05), h * 0.97 - names.size * 1.25
    thin, edge, thick = max(1, w // 320), ink if rng.random() < 0.3 else None, rng.uniform(0.5, 0.8)
    grid = rng.choice(["#b0b0b0", "#a0a8b0", "#909090"])
    for tick in chart.ticks:
        y = bottom - tick / chart.maximum * (bottom - top)
        d.line((left, y, right, y), fill=grid, width=thin)
        d.line((left - w * 0.012, y, left, y), fill=ink, width=thin)
        d.text((left - w * 0.02, y), str(tick), font=f, fill=ink, anchor="rm")
    colours = {b.colour: rng.choice(PALETTE[b.colour].split()) for b in chart.bars}
    for n, bar in enumerate(chart.bars):
        x, half, y = left + (n + 0.5) * cell, thick * cell / 2, bottom - bar.tenths / 10 * (bottom - top)
        d.rectangle((x - half, y, x + half, bottom), fill=colours[bar.colour], outline=edge, width=thin)
        d.text((x, bottom + names.size * 0.12), bar.label, font=names, fill=ink, anchor="ma")
    d.line((left, top, left, bottom, right, bottom), fill=ink, width=thin)


def paint(scene: Scene) -> Image.Image:
    rng, w, h = random.Random(scene.seed + 1), scene.width * 4, scene.height * 4
    big = Image.new("RGB", (w, h), rng.choice(PALETTE[scene.background].split()))
    d = ImageDraw.Draw(big)
    for s in scene.shapes:
        cx, cy = (s.place % 3 + 0.5 + s.dx * 0.25) * w / 3, (s.place // 3 + 0.5 + s.dy * 0.25) * h / 3
        r, colour = s.radius * min(w, h), rng.choice(PALETTE[s.colour].split())
        if s.kind in ("circle", "ring"):
            d.polygon(ellipse(cx, cy, r), fill=colour)
            if s.kind == "ring":
                d.polygon(ellipse(cx, cy, r * 0.62), fill=big.getpixel((0, 0)))
        else:
            d.polygon(corners(s, cx, cy, r), fill=colour)
    if scene.text:
        print_text(d, scene.text, w, h, rng)
    if scene.chart:
        plot(d, scene.chart, w, h, rng)
    return big.resize((scene.width, scene.height), Image.BOX)


def draw(scene: Scene) -> Image.Image:
    noise = np.random.default_rng(scene.seed)
    picture = draw_outside(noise, scene.width, scene.height) if scene.outside else paint(scene)
    if noise.random() < 0.3:
        picture = picture.filter(ImageFilter.GaussianBlur(noise.uniform(0.2, max(0.3, 0.003 * max(picture.size)))))
    if noise.random() < 0.3:
        grain = noise.normal(0, noise.uniform(1, 6), (picture.height, picture.width, 3))
        picture = Image.fromarray(np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8))
    if noise.random() < 0.4:
        data = io.BytesIO()
        picture.save(data, "JPEG", quality=int(noise.integers(55, 95)))
        picture = Image.open(data).convert("RGB")
    return picture
