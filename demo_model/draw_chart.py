"""Bar charts as the training renderer draws them."""

from __future__ import annotations

import random
from dataclasses import dataclass

from PIL import ImageDraw, ImageFont

from .charts import Chart
from .colours import sample_rgb
from .lettering import FACES, Box, Line, fit_text, font, set_line


@dataclass(frozen=True)
class Frame:
    """Where the bars stand: the axis from its zero up to its maximum, and a column for each bar."""

    left: float
    right: float
    top: float
    bottom: float

    def height(self, share: float) -> float:
        return self.bottom - share * (self.bottom - self.top)

    def columns(self, count: int) -> list[tuple[float, float]]:
        width = (self.right - self.left) / count
        return [(self.left + i * width, self.left + (i + 1) * width) for i in range(count)]


def label_font(chart: Chart, face: str, width: float, height: float) -> ImageFont.FreeTypeFont:
    """The largest size at which every label fits."""
    return min((fit_text(b.label, face, width, height) for b in chart.bars), key=lambda f: f.size)


def middle(f: ImageFont.FreeTypeFont, string: str) -> tuple[float, float]:
    """The middle of a string's ink, from its origin."""
    left, top, right, bottom = f.getbbox(string)
    return (left + right) / 2, (top + bottom) / 2


def draw_axis(
    d: ImageDraw.ImageDraw, chart: Chart, frame: Frame, f: ImageFont.FreeTypeFont, rng: random.Random, ink
) -> list[Line]:
    """Ticks with thin lines through the chart; the printed ticks."""
    thin, found = max(1, round(frame.right / 300)), []
    grid, gap = sample_rgb(rng, "gray"), f.size * rng.uniform(0.3, 0.5)
    for tick in chart.ticks:
        y, string = frame.height(tick / chart.maximum), str(tick)
        d.line((frame.left, y, frame.right, y), fill=ink if tick == 0 else grid, width=thin)
        x = frame.left - gap - f.getlength(string)
        found.append(set_line(d, string, f, x, y - middle(f, string)[1], ink))
    if rng.random() < 0.7:
        d.line((frame.left, frame.top, frame.left, frame.bottom), fill=ink, width=thin)
    return found


def draw_chart(
    d: ImageDraw.ImageDraw, chart: Chart, w: int, h: int, rng: random.Random
) -> tuple[list[Line], list[Box]]:
    """The labels from the left, then the ticks; and where the bars are."""
    face, ink = rng.choice(FACES), sample_rgb(rng, "black")
    small = font(face, round(w * rng.uniform(0.058, 0.075)))
    margin, right = w * rng.uniform(0.01, 0.03) + small.size * 0.5, w * rng.uniform(0.95, 0.99)
    left = margin + small.getlength(str(chart.maximum))
    f = label_font(chart, face, (right - left) / len(chart.bars) * 0.9, w * rng.uniform(0.075, 0.1))
    frame = Frame(left, right, h * rng.uniform(0.02, 0.08) + small.size / 2, h * rng.uniform(0.96, 0.98) - f.size * 1.2)
    ticks, thick = draw_axis(d, chart, frame, small, rng, ink), rng.uniform(0.45, 0.85)
    colours = {b.colour: sample_rgb(rng, b.colour) for b in chart.bars}
    labels, bars = [], []
    for bar, (start, end) in zip(chart.bars, frame.columns(len(chart.bars)), strict=True):
        x, half = (start + end) / 2, (end - start) * thick / 2
        bars.append((x - half, frame.height(bar.tenths / 10), x + half, frame.bottom))
        d.rectangle(bars[-1], fill=colours[bar.colour])
        labels.append(set_line(d, bar.label, f, x - middle(f, bar.label)[0], frame.bottom + f.size * 0.1, ink))
    return labels + ticks, bars
