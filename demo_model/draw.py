"""The renderer of the training pictures, and the same fitting into a square as llama.cpp's."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from .colours import sample_rgb
from .draw_chart import draw_chart
from .labels import SIDE, Labels, label
from .lettering import FACES, Box, Line, block, fit_text, set_lines
from .outlines import centre, draw_shape
from .rough import draw_outside, grain, roughen
from .world import Scene

PAD = (122, 116, 104)  # llama.cpp's image_pad_color for the projector type "mlp"


@dataclass
class Sample:
    pixels: np.ndarray  # SIDE x SIDE x 3, uint8, as it goes into the encoder
    labels: Labels  # a class per patch (GRID*GRID); -100 where it is not asked


def draw_text(d: ImageDraw.ImageDraw, scene: Scene, w: int, h: int, fill) -> list[Line]:
    text, rng = scene.text, random.Random(scene.text.face)
    face = rng.choice(FACES)
    tall = rng.uniform(0.55, 1.0 if scene.shapes else 1.5) * h / 3
    pitch, lean, lines = rng.uniform(1.1, 1.4), rng.choice([0.0, 0.5]), text.lines
    if len(lines) > 1:
        tall = rng.uniform(0.6, 0.92) * h
    f = fit_text(text.string, face, text.width * w, tall, pitch)
    width, top, bottom = block(lines, f, pitch)
    x = (w - width) * rng.uniform(0.25, 0.75)
    y = (text.row + 0.5) * h / 3 - (bottom + top) / 2 + rng.uniform(-0.05, 0.05) * h
    return set_lines(d, lines, f, x, min(max(y, 1 - top), h - 1 - bottom), pitch, fill, lean)


def draw_scene(scene: Scene, w: int, h: int) -> tuple[Image.Image, list[Line], list[Box]]:
    """The picture, and where its printed lines and its bars are."""
    rng, lines, bars = random.Random(scene.seed), [], []
    if scene.outside:
        return draw_outside(rng, w, h), lines, bars
    picture = Image.new("RGB", (w, h), sample_rgb(rng, scene.background))
    d = ImageDraw.Draw(picture)
    for s in scene.shapes:
        draw_shape(d, s, *centre(scene, s, w, h), sample_rgb(rng, s.colour))
    if scene.text:
        lines = draw_text(d, scene, w, h, sample_rgb(rng, scene.text.colour))
    if scene.chart:
        lines, bars = draw_chart(d, scene.chart, w, h, rng)
    return picture, lines, bars


def shrink(picture: Image.Image, side: int = SIDE) -> Image.Image:
    """As large as fits into a square: the aspect kept, bicubic, sides rounded up."""
    w, h = picture.size
    # in single precision, as clip.cpp computes it
    scale = min(np.float32(side) / np.float32(w), np.float32(side) / np.float32(h))
    new = (min(math.ceil(np.float32(w) * scale), side), min(math.ceil(np.float32(h) * scale), side))
    return picture.resize(new, Image.BICUBIC) if new != (w, h) else picture


def fit_square(picture: Image.Image, side: int = SIDE) -> Image.Image:
    """llama.cpp's fitting for a LLaVA-1.5 projector: shrunk (or enlarged), then centred on a fixed grey."""
    picture = shrink(picture, side)
    square = Image.new("RGB", (side, side), PAD)
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return square


def render(scene: Scene, true_size: bool) -> Sample:
    """true_size: draw at the canvas' own size and fit that; otherwise draw near the encoder's size, which is
    cheaper."""
    w, h = scene.width, scene.height
    if not true_size:
        k = 2 * SIDE / max(w, h)
        w, h = math.ceil(w * k), math.ceil(h * k)
    picture, lines, bars = draw_scene(scene, w, h)
    if scene.seed % 3 == 0:
        rng, printed = random.Random(scene.seed), bool(scene.text and not scene.shapes)
        picture = (grain if printed and rng.random() < 0.4 else roughen)(shrink(picture), rng)
    return Sample(np.asarray(fit_square(picture)), label(scene, w, h, lines, bars))
