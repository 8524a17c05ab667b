"""Faces of type, and lines of text set in them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from PIL import ImageDraw, ImageFont

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
    "Roboto-Light",
    "RobotoCondensed-Bold",
    "RobotoSlab-Bold",
    "Lato-Medium",
    "Lato-Bold",
    "Cantarell-Bold",
    "Hack-Regular",
    "Carlito-Regular",
    "Caladea-Bold",
    "Courier Prime Sans",
    "Go-Bold",
    "Go-Mono",
    "B612-Bold",
    "GenBkBasB",
    "DejaVuSansCondensed",
    "DejaVuSerifCondensed-Bold",
    "Inter-Regular",
    "Inter-Bold",
    "JetBrainsMono-Regular",
    "JetBrainsMono-Bold",
    "FiraCode-Medium",
    "LinLibertine_R",
    "LinLibertine_RB",
    "LinBiolinum_RB",
    "Oxygen-Sans",
    "Oxygen-Sans-Bold",
    "mononoki-Bold",
    "CharisSIL-Regular",
    "CharisSIL-Bold",
    "Play-Bold",
    "Inconsolata",
    "Vollkorn-Medium",
    "Vollkorn-Bold",
    "PTS55F",
    "PTS75F",
    "PTF55F",
    "PTM75F",
    "Tuffy",
    "GilliusADF-Bold",
    "C059-Roman",
    "P052-Roman",
    "P052-Bold",
    "URWGothic-Book",
    "lmroman10-bold",
    "lmmono10-regular",
    "lmsans10-regular",
]
Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Line:
    """A printed line and where each of its characters stands."""

    string: str
    boxes: list[Box]


@lru_cache(maxsize=4096)
def font(face: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(font_path(face), size)


@cache
def installed_faces() -> dict[str, str]:
    """Where the file of each installed face is, by its name."""
    found = {}
    for root in (Path("/usr/share/fonts"), Path("/usr/share/texmf/fonts/opentype")):
        found |= {path.stem: str(path) for path in sorted(root.rglob("*.[to]tf"))}
    return found


def font_path(face: str) -> str:
    if face not in installed_faces():
        raise FileNotFoundError(f"the font {face} is not installed (see README.md)")
    return installed_faces()[face]


def fit_text(string: str, face: str, width: float, height: float, pitch: float = 1.2) -> ImageFont.FreeTypeFont:
    """As large as the longest line allows, and the height for all of them. pitch: from line to line, in sizes."""
    lines, trial = string.split("\n"), font(face, 40)
    boxes = [trial.getbbox(line) for line in lines]
    widest, tall = max(b[2] - b[0] for b in boxes), 40 * (0.95 + pitch * (len(lines) - 1))
    return font(face, max(8, int(40 * min(width / max(1, widest), height / tall))))


def block(lines: list[str], f: ImageFont.FreeTypeFont, pitch: float) -> tuple[float, float, float]:
    """Width of the lines, and top and bottom of their ink, from the origin of the first line."""
    boxes = [f.getbbox(line) for line in lines]
    return max(b[2] - b[0] for b in boxes), boxes[0][1], boxes[-1][3] + pitch * f.size * (len(lines) - 1)


def set_lines(
    d: ImageDraw.ImageDraw,
    lines: list[str],
    f: ImageFont.FreeTypeFont,
    x: float,
    y: float,
    pitch: float,
    fill,
    lean=0.0,
) -> list[Line]:
    """Draws lines below each other, the first with its origin at y, in a block that begins at x. lean: 0 for lines
    that begin below each other, 0.5 for centred ones."""
    width, found = block(lines, f, pitch)[0], []
    for n, line in enumerate(lines):
        left, _, right, _ = f.getbbox(line)
        found.append(set_line(d, line, f, x + (width - right + left) * lean - left, y + n * pitch * f.size, fill))
    return found


def set_line(d: ImageDraw.ImageDraw, line: str, f: ImageFont.FreeTypeFont, x: float, y: float, fill) -> Line:
    d.text((x, y), line, font=f, fill=fill)
    boxes = []
    for i, char in enumerate(line):
        start, end = x + f.getlength(line[:i]), x + f.getlength(line[: i + 1])
        left, top, _, bottom = f.getbbox(char)
        boxes.append((start + min(left, 0), y + top, end, y + bottom))
    return Line(line, boxes)
