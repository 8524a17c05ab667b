"""What of a page fits into one look of a model, and the picture of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from PIL import Image

from vlmcli.core import LoadedImage
from vlmcli.core.pages import Box, Eyes, PagePiece
from vlmcli.images.decode import of_pixels
from vlmcli.images.pages.lines import Line, cell_gap
from vlmcli.images.pages.runs import Run

_LETTER_EMS = 0.7
"""Letters that touch count as one for so much of their width."""
_ROW_PITCH = 1.4
"""From line to line over the height of a line, where pieces are laid under each other."""
_FULL = 0.94
_WORD_SHARE, _WORD_HEIGHT_SHARE = 0.84, 0.42
"""Of a picture with one word: its width and its height, as in pictures of a word that models are trained on."""
_OVERLAP_EMS = 1.8


# --- pieces -------------------------------------------------------------------------------------------------


def pieces_of(line: Line, number: int, em: float, eyes: Eyes, is_table: bool) -> Iterator[PagePiece]:
    """A line as pieces that the model can see, cut between words where there is a way; cells are pieces of their own.

    `em`: the height of a line, in the same pixels as the line.
    """
    if line.dense:
        yield from _bands(line.box, number, em, eyes)
        return
    widest = _FULL * eyes.side_px * em / eyes.reading.line_px
    joint, taken = "", list[tuple[Run, ...]]()
    for word in line.words:
        wide = bool(taken) and word[0].start - taken[-1][-1].end >= cell_gap(em)
        if taken and ((wide and is_table) or not _fit([*taken, word], widest, eyes, em)):
            yield _piece(line, number, taken[0][0], taken[-1][-1], joint)
            joint, taken = "\t" if wide and is_table else " ", []
        if taken or _fit([word], widest, eyes, em):
            taken.append(word)
            continue
        for part in _parts(word, widest, eyes, em):
            yield _piece(line, number, part[0], part[-1], joint)
            joint = ""
        joint = " "
    if taken:
        yield _piece(line, number, taken[0][0], taken[-1][-1], joint)


def _piece(line: Line, number: int, first: Run, last: Run, joint: str) -> PagePiece:
    return PagePiece(number, (first.start, line.box[1], last.end, line.box[3]), joint)


def _fit(words: Sequence[tuple[Run, ...]], widest: float, eyes: Eyes, em: float) -> bool:
    reading = eyes.reading
    if reading.words and len(words) > reading.words:
        return False
    letters = sum(letters_of(word, em) for word in words) + len(words) - 1
    if reading.letters and letters > reading.letters:
        return False
    return words[-1][-1].end - words[0][0].start <= widest


def letters_of(word: Sequence[Run], em: float) -> int:
    """How many letters there are, about; some touch."""
    return sum(max(1, round(run.length / (_LETTER_EMS * em))) for run in word)


def _parts(word: tuple[Run, ...], widest: float, eyes: Eyes, em: float) -> Iterator[tuple[Run, ...]]:
    """A word that is too long, cut between letters into equal parts, or as equal as its gaps allow."""
    width = word[-1].end - word[0].start
    many = max(-(-width // max(1, int(widest))), -(-letters_of(word, em) // (eyes.reading.letters or 1 << 30)))
    share, part = width / many, list[Run]()
    end = word[0].start + share
    for run in word:
        if part and (run.start + run.end) / 2 > end:
            yield tuple(part)
            part, end = [], end + share
        part.append(run)
    yield tuple(part)


def _bands(box: Box, number: int, em: float, eyes: Eyes) -> Iterator[PagePiece]:
    """Lines that cannot be told apart: bands of as many as can be seen, each with the last of the one above it."""
    height = max(round(eyes.side_px * em / eyes.reading.line_px), round(4 * em))
    step = height - round(_OVERLAP_EMS * em)
    top = box[1]
    while True:
        bottom = min(top + height, box[3])
        yield PagePiece(number, (box[0], top, box[2], bottom), "\n", dense=True)
        if bottom == box[3]:
            return
        top += step


# --- looks --------------------------------------------------------------------------------------------------


def looks_of(pieces: Sequence[PagePiece], pitch: float, em: float, eyes: Eyes) -> Iterator[tuple[PagePiece, ...]]:
    """The pieces of a block, as many together as the model can see; bands alone. `pitch`: from line to line."""
    per_row = pitch if all(piece.joint == "" for piece in pieces) else _ROW_PITCH * em
    fit = int(eyes.side_px * em / eyes.reading.line_px / max(per_row, em))
    most = max(1, min(fit, eyes.reading.rows or fit))
    if any(piece.dense for piece in pieces):
        most = 1
    n_looks = -(-len(pieces) // most)
    for i in range(n_looks):
        yield tuple(pieces[len(pieces) * i // n_looks : len(pieces) * (i + 1) // n_looks])


def show(page: Image.Image, pieces: Sequence[PagePiece], em: float, eyes: Eyes, name: str) -> LoadedImage:
    """The picture of one look: whole neighbouring lines as they stand, other pieces one under the other."""
    if len(pieces) == 1 and not pieces[0].dense:
        picture = _alone(page, pieces[0], em)
    elif _stand_together(pieces, em):
        picture = _cut_out(page, pieces, em)
    else:
        picture = _laid_out(page, pieces, em)
    if max(picture.size) > eyes.side_px:
        picture.thumbnail((eyes.side_px, eyes.side_px), Image.Resampling.LANCZOS)
    return of_pixels(name, picture)


def _stand_together(pieces: Sequence[PagePiece], em: float) -> bool:
    lines = [piece.line for piece in pieces]
    tops = [piece.box[1] for piece in pieces]
    near = all(0 < b - a < 4 * em for a, b in pairwise(tops))
    return len(set(lines)) == len(lines) and near and all(piece.joint in ("", "\n") for piece in pieces)


def _cut_out(page: Image.Image, pieces: Sequence[PagePiece], em: float) -> Image.Image:
    margin = round(0.25 * em)  # less than to the next line
    left, right = min(p.box[0] for p in pieces), max(p.box[2] for p in pieces)
    return _crop(page, (left, pieces[0].box[1], right, pieces[-1].box[3]), 2 * margin, margin)


def _alone(page: Image.Image, piece: PagePiece, em: float) -> Image.Image:
    """One piece in the middle of paper, with as much of it around as in pictures of a word."""
    crop = _crop(page, piece.box, round(0.12 * em), round(0.12 * em))
    width, height = piece.box[2] - piece.box[0], piece.box[3] - piece.box[1]
    wide = max(width / _WORD_SHARE, height)
    tall = max(height / _WORD_HEIGHT_SHARE, wide / 2)
    return _on_paper(crop, (round(max(wide, tall / 2)), round(tall)))


def _laid_out(page: Image.Image, pieces: Sequence[PagePiece], em: float) -> Image.Image:
    crops = [_crop(page, piece.box, round(0.2 * em), round(0.12 * em)) for piece in pieces]
    step, margin = round(_ROW_PITCH * em), round(0.3 * em)
    size = (max(crop.width for crop in crops) + 2 * margin, step * len(crops) + margin)
    canvas = Image.new("RGB", size, paper_of(crops[0]))
    for row, crop in enumerate(crops):
        canvas.paste(crop, (margin, margin // 2 + row * step))
    return canvas


def _crop(page: Image.Image, box: Box, side: int, above: int) -> Image.Image:
    left, top, right, bottom = box
    return page.crop(
        (max(0, left - side), max(0, top - above), min(page.width, right + side), min(page.height, bottom + above))
    )


def _on_paper(crop: Image.Image, size: tuple[int, int]) -> Image.Image:
    canvas = Image.new("RGB", (max(size[0], crop.width), max(size[1], crop.height)), paper_of(crop))
    canvas.paste(crop, ((canvas.width - crop.width) // 2, (canvas.height - crop.height) // 2))
    return canvas


def paper_of(crop: Image.Image) -> tuple[int, int, int]:
    """The colour that is most often there, channel by channel; in a piece of text that is the paper."""
    histogram = crop.histogram()
    red, green, blue = (_usual(histogram[i : i + 256]) for i in (0, 256, 512))
    return red, green, blue


def _usual(histogram: list[int]) -> int:
    """The middle of the four levels that are most often there together: noise spreads the paper over many."""
    sums = [sum(histogram[i : i + 8]) for i in range(249)]
    at = sums.index(max(sums))
    inside = histogram[at : at + 8]
    return at + round(sum(i * count for i, count in enumerate(inside)) / max(1, sum(inside)))
