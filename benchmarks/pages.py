"""Error rates of `vlm ocr` with the model in the box on whole pages: `python -m benchmarks.pages`.

Pages of 20 to 60 lines of words of the model's world, in its faces, drawn at 150 and 300 dpi, with noise, skew up to 3
degrees, one and two columns; the same words one by one, large, as the model was trained on them; the whole page in
one look; and tesseract, where it is installed (apt-get install tesseract-ocr). Counts errors, so it wants no quiet
machine; needs demo_model's fonts and numpy.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageChops, ImageDraw, ImageFont

from demo_model.lettering import FACES, fit_text, font_path
from demo_model.texts import WORDS
from vlmcli import Vlm

A4_INCHES = (8.27, 11.69)
MARGIN_INCHES, GUTTER_INCHES = 0.8, 0.35


@dataclass(frozen=True)
class Kind:
    name: str
    dpi: int
    lines: int
    columns: int = 1
    skew_degrees: float = 0.0
    noise: float = 0.0
    points: float = 10.0


KINDS = (
    Kind("150 dpi, 20 lines", 150, 20, points=12),
    Kind("150 dpi, 60 lines, noise", 150, 60, noise=12),
    Kind("150 dpi, skew 3, noise", 150, 40, skew_degrees=3.0, noise=12),
    Kind("150 dpi, two columns, skew -2", 150, 60, columns=2, skew_degrees=-2.0),
    Kind("300 dpi, 40 lines", 300, 40),
    Kind("300 dpi, 60 lines, skew 1.3, noise", 300, 60, skew_degrees=1.3, noise=25),
    Kind("300 dpi, two columns, noise", 300, 60, columns=2, noise=25),
    Kind("300 dpi, two columns, skew -3", 300, 40, columns=2, skew_degrees=-3.0, points=11),
)


def draw_page(kind: Kind, face: str, seed: int) -> tuple[Image.Image, str]:
    """A page and its text. `lines` counts those of all columns."""
    rng = random.Random(seed)
    width, height = (round(inches * kind.dpi) for inches in A4_INCHES)
    margin, gutter = round(MARGIN_INCHES * kind.dpi), round(GUTTER_INCHES * kind.dpi)
    font = ImageFont.truetype(font_path(face), round(kind.points * kind.dpi / 72))
    column = (width - 2 * margin - gutter * (kind.columns - 1)) // kind.columns
    page = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(page)
    rows = kind.lines // kind.columns
    pitch = min((height - 2 * margin) / rows, 1.5 * font.size)
    lines = []
    for i in range(kind.columns):
        for row in range(rows):
            lines.append(_line(rng, font, column))
            pen.text((margin + i * (column + gutter), margin + row * pitch), lines[-1], font=font, fill="black")
    page = page.rotate(kind.skew_degrees, Image.Resampling.BICUBIC, fillcolor="white")
    if kind.noise:
        noise = Image.effect_noise(page.size, 2 * kind.noise).convert("RGB")
        page = ImageChops.add(page, noise, 1, -128)
    return page, "\n".join(lines)


def _line(rng: random.Random, font: ImageFont.FreeTypeFont, width: int) -> str:
    words = [rng.choice(WORDS)]
    while font.getlength(" ".join([*words, word := rng.choice(WORDS)])) <= width:
        words.append(word)
    return " ".join(words)


def draw_word(word: str, face: str, seed: int) -> Image.Image:
    """One word, large, as in the world that the model was trained on."""
    rng = random.Random(seed)
    width, height = rng.randint(200, 900), rng.randint(200, 900)
    width, height = min(width, 2 * height), min(height, 2 * width)
    picture = Image.new("RGB", (width, height), "white")
    font = fit_text(word, face, rng.uniform(0.72, 0.96) * width, rng.uniform(0.55, 1.5) * height / 3)
    ImageDraw.Draw(picture).text((width / 2, height / 2), word, font=font, fill="black", anchor="mm")
    return picture


# --- errors -------------------------------------------------------------------------------------------------


def distance(a: Sequence[object], b: Sequence[object]) -> int:
    """Levenshtein's, by Myers's bit vectors: https://doi.org/10.1145/316542.316550"""
    if not a:
        return len(b)
    places: dict[object, int] = {}
    for i, item in enumerate(a):
        places[item] = places.get(item, 0) | 1 << i
    mask, last = (1 << len(a)) - 1, 1 << (len(a) - 1)
    plus, minus, score = mask, 0, len(a)
    for item in b:
        equal = places.get(item, 0)
        across = (((equal & plus) + plus) ^ plus) | equal | minus
        up, down = minus | (~(across | plus) & mask), plus & across
        score += bool(up & last) - bool(down & last)
        up, down = (up << 1 | 1) & mask, (down << 1) & mask
        vertical = equal | minus
        plus, minus = down | (~(vertical | up) & mask), up & vertical
    return score


class Errors:
    """Sums over many texts; white space counts as one space each."""

    def __init__(self) -> None:
        self.wrong_letters = self.letters = self.wrong_words = self.words = 0

    def add(self, truth: str, said: str) -> None:
        right, read = truth.split(), said.split()
        self.wrong_words += distance(right, read)
        self.words += len(right)
        self.wrong_letters += distance(" ".join(right), " ".join(read))
        self.letters += len(" ".join(right))

    @property
    def of_letters(self) -> float:
        return self.wrong_letters / max(1, self.letters)

    @property
    def of_words(self) -> float:
        return self.wrong_words / max(1, self.words)

    def __str__(self) -> str:
        return f"{self.of_letters:6.1%} {self.of_words:6.1%}"


def tesseract(page: Image.Image) -> str:
    with TemporaryDirectory() as folder:
        file = Path(folder, "page.png")
        page.save(file)
        command = ["tesseract", str(file), "-", "--psm", "3"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=2, help="of each kind, each in another face")
    parser.add_argument("--no-whole", action="store_true", help="leave out the whole page in one look")
    arguments = parser.parse_args()
    vlm = Vlm("demo", cache=False)
    readers: dict[str, Callable[[Image.Image], str]] = {"page": lambda page: vlm.ocr(page).text}
    if not arguments.no_whole:
        readers["in one look"] = lambda page: vlm.ocr(page, whole=True).text
    if shutil.which("tesseract"):
        readers["tesseract"] = tesseract
    totals = {name: Errors() for name in ("single", *readers)}
    print(f"{'errors: letters, words':36}" + "".join(f"{name:>16}" for name in totals) + "  seconds a page")
    for number, kind in enumerate(KINDS):
        here, seconds = {name: Errors() for name in totals}, 0.0
        for i in range(arguments.pages):
            face = FACES[(7 * number + 3 * i) % len(FACES)]
            page, text = draw_page(kind, face, seed=100 * number + i)
            words = random.Random(i).sample(text.split(), 60)
            answers = [(word, vlm.ocr(draw_word(word, face, seed=j)).text) for j, word in enumerate(words)]
            for errors in (here["single"], totals["single"]):
                for word, answer in answers:
                    errors.add(word, answer)
            for name, read in readers.items():
                started = time.monotonic()
                said = read(page)
                seconds += time.monotonic() - started if name == "page" else 0.0
                here[name].add(text, said)
                totals[name].add(text, said)
        rates = "".join(f"{errors!s:>16}" for errors in here.values())
        print(f"{kind.name:36}{rates}  {seconds / arguments.pages:8.1f}", flush=True)
    print(f"{'all':36}" + "".join(f"{errors!s:>16}" for errors in totals.values()))
    ratio = totals["page"].of_letters / max(totals["single"].of_letters, 1e-9)
    print(f"letters wrong on pages over letters wrong in single words: {ratio:.2f}")


if __name__ == "__main__":
    main()
