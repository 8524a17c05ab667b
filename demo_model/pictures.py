"""Draws the pictures that are packaged with the model: `python -m demo_model pictures`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PIL import Image

from .draw_other import paint
from .lettering import fit_text
from .world import PLACES, Scene, Shape


def shape(kind: str, colour: str, size: str, place: str) -> Shape:
    return Shape(kind, colour, size, PLACES.index(place), radius=0.14 if size == "large" else 0.075)


SHAPES = Scene(
    480, 360, "yellow", (shape("circle", "red", "large", "top left"), shape("star", "blue", "small", "center"))
)
BEFORE = Scene(
    400,
    400,
    "gray",
    (shape("square", "green", "large", "top right"), shape("triangle", "orange", "large", "middle left")),
)
AFTER = replace(BEFORE, background="black")


def text_picture(string: str, size: tuple[int, int] = (480, 270), face: str = "DejaVuSans-Bold") -> Image.Image:
    from PIL import ImageDraw

    picture = Image.new("RGB", size, "white")
    font = fit_text(string, face, size[0] * 0.8, size[1] * 0.45)
    ImageDraw.Draw(picture).text((size[0] / 2, size[1] / 2), string, font=font, fill="black", anchor="mm")
    return picture


def draw_all(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, scene in {"shapes": SHAPES, "before": BEFORE, "after": AFTER}.items():
        paint(scene).save(folder / f"{name}.png", optimize=True)
    text_picture("SALE").save(folder / "text.png", optimize=True)
