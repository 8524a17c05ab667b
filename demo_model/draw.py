"""The renderer of the training pictures, the same fitting into a square as llama.cpp's, and what covers each patch."""

from __future__ import annotations

import glob
import math
import random
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .rough import draw_outside, roughen
from .world import CHARS, COLOUR_NAMES, SHAPES, SIZES, Scene, Shape, sample_rgb

SIDE, PATCH = 192, 16
GRID = SIDE // PATCH
PAD = (122, 116, 104)  # llama.cpp's image_pad_color for the projector type "mlp"
FACES = [
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSansMono",
    "DejaVuSerif",
    "LiberationSans-Regular",
    "LiberationSans-Bold",
    "LiberationSerif-Regular",
    "LiberationMono-Bold",
    "DejaVuSans",
    "DejaVuSans-Bold",
    "LiberationSans-Regular",
    "DejaVuSerif-Bold",
    "DejaVuSansMono-Bold",
    "LiberationSerif-Bold",
    "LiberationMono-Regular",
    "Roboto-Regular",
    "Roboto-Bold",
    "RobotoCondensed-Regular",
    "RobotoSlab-Regular",
    "Lato-Regular",
    "Lato-Heavy",
    "Cantarell-Regular",
    "Hack-Bold",
    "Carlito-Bold",
    "Caladea-Regular",
    "Courier Prime",
    "Courier Prime Bold",
    "Go-Regular",
    "Go-Mono-Bold",
    "B612-Regular",
    "B612Mono-Bold",
    "GenBasR",
]
LABELS = {
    "kind": len(SHAPES) + 1,
    "colour": len(COLOUR_NAMES) + 1,
    "size": 3,
    "order": 7,
    "place": 10,
    "char_left": len(CHARS) + 1,
    "char_right": len(CHARS) + 1,
    "index_left": 9,
    "index_right": 9,
    "background": len(COLOUR_NAMES) + 1,
    "count": 6,
}


@dataclass
class Sample:
    pixels: np.ndarray  # SIDE x SIDE x 3, uint8, as it goes into the encoder
    labels: dict[str, np.ndarray]  # a class per patch (GRID*GRID); -100 where it is not asked


@lru_cache(maxsize=4096)
def font(face: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(font_path(face), size)


@lru_cache(maxsize=64)
def font_path(face: str) -> str:
    found = glob.glob(f"/usr/share/fonts/**/{face}.[to]tf", recursive=True)
    if not found:
        raise FileNotFoundError(f"the font {face} is not installed (see README.md)")
    return found[0]


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


def fit_text(string: str, face: str, width: float, height: float) -> ImageFont.FreeTypeFont:
    trial = font(face, 40)
    left, _top, right, _bottom = trial.getbbox(string)
    scale = min(width / max(1, right - left), height / max(1.0, 40 * 0.95))
    return font(face, max(8, int(40 * scale)))


def draw_text(
    d: ImageDraw.ImageDraw, scene: Scene, w: int, h: int, fill, faces=FACES
) -> list[tuple[float, float, float, float]]:
    """Draws the line of text; the boxes of its characters."""
    rng = random.Random(scene.text.face)
    face = rng.choice(faces)
    tall = rng.uniform(0.55, 1.0) * h / 3 if scene.shapes else rng.uniform(0.55, 1.5) * h / 3
    f = fit_text(scene.text.string, face, scene.text.width * w, tall)
    left, top, right, bottom = f.getbbox(scene.text.string)
    x = (w - (right - left)) * rng.uniform(0.25, 0.75) - left
    y = (scene.text.row + 0.5) * h / 3 - (bottom + top) / 2 + rng.uniform(-0.05, 0.05) * h
    y = min(max(y, 1 - top), h - 1 - bottom)
    d.text((x, y), scene.text.string, font=f, fill=fill)
    boxes = []
    for i, c in enumerate(scene.text.string):
        start, end = x + f.getlength(scene.text.string[:i]), x + f.getlength(scene.text.string[: i + 1])
        left, top, _, bottom = f.getbbox(c)
        boxes.append((max(start, start + min(left, 0)), y + top, end, y + bottom))
    return boxes


def draw_scene(scene: Scene, w: int, h: int) -> tuple[Image.Image, list[tuple[float, float, float, float]]]:
    rng = random.Random(scene.seed)
    if scene.outside:
        return draw_outside(rng, w, h), []
    picture = Image.new("RGB", (w, h), sample_rgb(rng, scene.background))
    d = ImageDraw.Draw(picture)
    for s in scene.shapes:
        draw_shape(d, s, *centre(scene, s, w, h), sample_rgb(rng, s.colour))
    boxes = draw_text(d, scene, w, h, sample_rgb(rng, scene.text.colour)) if scene.text else []
    return picture, boxes


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
    picture, boxes = draw_scene(scene, w, h)
    if scene.seed % 3 == 0:
        picture = roughen(shrink(picture), random.Random(scene.seed))
    return Sample(np.asarray(fit_square(picture)), label(scene, w, h, boxes))


def label(scene: Scene, w: int, h: int, boxes: list[tuple[float, float, float, float]]) -> dict[str, np.ndarray]:
    out = {k: np.zeros(GRID * GRID, np.int64) for k in LABELS}
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
    out["background"][:] = 0 if scene.outside else COLOUR_NAMES.index(scene.background) + 1
    out["count"][:] = len(scene.shapes)
    if boxes:
        label_text(
            scene, [[v * scale + o for v, o in zip(b, (left, top, left, top), strict=False)] for b in boxes], out
        )
    return out


def label_text(scene: Scene, boxes: list[list[float]], out: dict[str, np.ndarray]) -> None:
    """Which character covers the left and the right half of each patch, and the how-manieth it is."""
    x0 = np.arange(GRID * 2) * PATCH / 2
    cover = np.stack([np.clip(np.minimum(b[2], x0 + PATCH / 2) - np.maximum(b[0], x0), 0, None) for b in boxes])
    who, enough = cover.argmax(0), cover.max(0) >= PATCH / 8
    y0 = np.arange(GRID) * PATCH
    top, bottom = min(b[1] for b in boxes), max(b[3] for b in boxes)
    rows = np.clip(np.minimum(bottom, y0 + PATCH) - np.maximum(top, y0), 0, None) >= min(PATCH / 3, (bottom - top) / 2)
    colour = COLOUR_NAMES.index(scene.text.colour) + 1
    for half, side in enumerate(("left", "right")):
        chars = np.array([CHARS.index(c) + 1 for c in scene.text.string])[who[half::2]] * enough[half::2]
        index = (np.minimum(who[half::2], 7) + 1) * enough[half::2]
        out[f"char_{side}"] = (rows[:, None] * chars[None, :]).reshape(-1)
        out[f"index_{side}"] = (rows[:, None] * index[None, :]).reshape(-1)
        out["colour"] = np.maximum(out["colour"], (out[f"char_{side}"] > 0) * colour)
