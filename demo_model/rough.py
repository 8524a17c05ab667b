"""What is not drawn cleanly: pictures of no simple drawing at all, and traces of blur, noise and JPEG."""

from __future__ import annotations

import io
import math
import random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter


def draw_outside(rng: random.Random, w: int, h: int) -> Image.Image:
    """Noise, gradients, blotches, stripes: what a photograph may look like from afar."""
    noise = np.random.default_rng(rng.randrange(1 << 30))
    kind = rng.choice(["noise", "blotches", "blotches", "gradient", "stripes", "photo", "photo"])
    if kind == "noise":
        small = noise.integers(0, 256, (h, w, 3), dtype=np.uint8)
    elif kind == "gradient":
        a, b, c = noise.integers(0, 256, (3, 3))
        x, y = np.linspace(0, 1, w)[None, :, None], np.linspace(0, 1, h)[:, None, None]
        small = np.clip(a + (b - a) * x + (c - a) * y, 0, 255).astype(np.uint8)
    elif kind == "stripes":
        n, across = rng.randint(4, 14), rng.random() < 0.5
        rows = noise.integers(0, 256, (n, 1, 3) if across else (1, n, 3), dtype=np.uint8)
        return Image.fromarray(np.broadcast_to(rows, (n, n, 3)).copy()).resize((w, h), Image.NEAREST)
    else:
        n = rng.randint(3, 24)
        small = noise.integers(0, 256, (n, n, 3), dtype=np.uint8)
    picture = Image.fromarray(small).resize((w, h), Image.BICUBIC)
    if kind == "photo":
        d = ImageDraw.Draw(picture)
        for _ in range(rng.randint(5, 30)):
            x, y, r = rng.uniform(0, w), rng.uniform(0, h), rng.uniform(0.02, 0.3) * min(w, h)
            colour = tuple(rng.randrange(256) for _ in range(3))
            draw = rng.choice([d.ellipse, d.rectangle, d.chord])
            box = (x - r, y - r * rng.uniform(0.3, 1), x + r, y + r * rng.uniform(0.3, 1))
            draw(box, 0, 200, fill=colour) if draw == d.chord else draw(box, fill=colour)
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 3)))
    return picture


def grain(picture: Image.Image, rng: random.Random) -> Image.Image:
    """A printed line as it is cut out of a noisy scan: grain as coarse as the line was small there."""
    w, h = picture.size
    coarse = rng.uniform(0.25, 1)
    noise = np.random.default_rng(rng.randrange(1 << 30)).normal(0, 1, (math.ceil(h * coarse), math.ceil(w * coarse)))
    field = Image.fromarray(noise.astype(np.float32)).resize((w, h), Image.BICUBIC)
    rough = np.asarray(picture) + rng.uniform(4, 36) * np.asarray(field)[..., None]
    return Image.fromarray(np.clip(rough, 0, 255).astype(np.uint8))


def roughen(picture: Image.Image, rng: random.Random) -> Image.Image:
    """A small picture with a little blur, noise or JPEG artefacts."""
    if rng.random() < 0.5:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.1, 0.8)))
    if rng.random() < 0.5:
        noise = np.random.default_rng(rng.randrange(1 << 30)).normal(
            0, rng.uniform(0, 6), (picture.height, picture.width, rng.choice([1, 3]))
        )
        picture = Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))
    if rng.random() < 0.3:
        data = io.BytesIO()
        picture.save(data, "JPEG", quality=rng.randint(60, 95))
        picture = Image.open(data).convert("RGB")
    return picture
