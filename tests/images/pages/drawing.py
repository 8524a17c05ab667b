"""Pages of text whose geometry is known: each word with its place."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from PIL import Image, ImageChops, ImageDraw, ImageFont

from vlmcli.core import LoadedImage
from vlmcli.core.pages import Box
from vlmcli.images.decode import of_pixels

WORDS = "able acid blue city dark exit gold hotel island kite lemon north ocean paper quick river sugar tiger"


@dataclass
class Drawn:
    """A page, the lines that are on it in reading order, and where its words are as long as it is not turned."""

    picture: Image.Image
    lines: list[str] = field(default_factory=list)
    words: list[tuple[Box, str]] = field(default_factory=list)

    @property
    def image(self) -> LoadedImage:
        return of_pixels("page", self.picture)

    def text_in(self, box: Box) -> str:
        """The words whose middle is in `box`, row by row: what a reader without fault reads there."""
        inside = [(at, word) for at, word in self.words if _is_inside(at, box)]
        rows: dict[int, list[str]] = {}
        for at, word in inside:
            rows.setdefault(at[1], []).append(word)
        return "\n".join(" ".join(words) for words in rows.values())

    def turned(self, degrees: float) -> Drawn:
        self.picture = self.picture.rotate(degrees, Image.Resampling.BICUBIC, fillcolor="white")
        return self

    def noisy(self, sigma: float) -> Drawn:
        noise = Image.effect_noise(self.picture.size, 2 * sigma).convert("RGB")
        self.picture = ImageChops.add(self.picture, noise, 1, -128)
        return self


def _is_inside(at: Box, box: Box) -> bool:
    x, y = (at[0] + at[2]) / 2, (at[1] + at[3]) / 2
    return box[0] <= x < box[2] and box[1] <= y < box[3]


def page(lines: int = 30, columns: int = 1, size: tuple[int, int] = (1240, 1754), points: int = 22) -> Drawn:
    rng = random.Random(lines * 10 + columns)
    drawn = Drawn(Image.new("RGB", size, "white"))
    margin, gutter = 100, 60
    width = (size[0] - 2 * margin - gutter * (columns - 1)) // columns
    for column in range(columns):
        for row in range(lines):
            left, top = margin + column * (width + gutter), margin + round(row * 1.6 * points)
            write(drawn, left, top, _line(rng, width, points), points)
    return drawn


def _line(rng: random.Random, width: int, points: int) -> str:
    font, words = ImageFont.load_default(size=points), [rng.choice(WORDS.split())]
    while font.getlength(" ".join([*words, word := rng.choice(WORDS.split())])) <= width:
        words.append(word)
    return " ".join(words)


def write(drawn: Drawn, left: int, top: int, line: str, points: int) -> None:
    font, pen = ImageFont.load_default(size=points), ImageDraw.Draw(drawn.picture)
    pen.text((left, top), line, font=font, fill="black")
    drawn.lines.append(line)
    for i, word in enumerate(line.split(" ")):
        start = left + font.getlength(" ".join(line.split(" ")[:i]) + (" " if i else ""))
        drawn.words.append(((round(start), top, round(start + font.getlength(word)), top + points), word))
