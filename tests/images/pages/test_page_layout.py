"""Pages of known geometry: their skew, columns, lines and words are found, and nothing is lost or shown twice."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageStat

from tests.images.pages.drawing import Drawn, page, write
from vlmcli import demo
from vlmcli.core import Eyes, ImageRef, Page, Reading
from vlmcli.images import lay_out, load
from vlmcli.images.decode import of_pixels, pixels_of
from vlmcli.images.pages.ink import copy_of, ink_of
from vlmcli.images.pages.skew import find_skew

LLAVA = Eyes(336, Reading(line_px=18))
WORD_BY_WORD = Eyes(192, Reading(line_px=24, rows=1, words=1, letters=8))


def found(drawn: Drawn, eyes: Eyes = LLAVA) -> Page:
    layout = lay_out(drawn.image, eyes)
    assert layout is not None
    return layout


def shown(drawn: Drawn, layout: Page) -> list[str]:
    """What a reader without fault would read in the looks, a line of the page after the other."""
    lines: dict[int, str] = {}
    for look in layout.looks:
        for piece in look:
            words = drawn.text_in(piece.box)
            lines[piece.line] = f"{lines[piece.line]}{piece.joint}{words}" if piece.line in lines else words
    return list(lines.values())


@pytest.mark.parametrize("degrees", [-3.0, -1.37, -0.4, 0.0, 0.25, 0.9, 2.1, 3.0])
@pytest.mark.parametrize("sigma", [0, 15])
def test_the_skew_is_found_within_a_fifth_of_a_degree(degrees: float, sigma: float) -> None:
    drawn = page(lines=25, columns=2).turned(degrees)
    image = (drawn.noisy(sigma) if sigma else drawn).image
    grey, _ = copy_of(image, 2400)
    assert find_skew(ink_of(grey)) == pytest.approx(-degrees, abs=0.2)


@pytest.mark.parametrize("columns", [1, 2, 3])
@pytest.mark.parametrize("eyes", [LLAVA, WORD_BY_WORD], ids=["llava", "word by word"])
def test_every_word_is_shown_once_and_in_reading_order(columns: int, eyes: Eyes) -> None:
    drawn = page(lines=24, columns=columns)
    layout = found(drawn, eyes)
    assert [block.kind for block in layout.blocks] == ["text"] * columns
    assert shown(drawn, layout) == drawn.lines


def test_a_heading_over_two_columns_comes_first() -> None:
    drawn = Drawn(Image.new("RGB", (1240, 1754), "white"))
    write(drawn, 200, 40, "The news of a long day in the city", 44)
    body = page(lines=30, columns=2)
    drawn.picture.paste(body.picture.crop((0, 90, 1240, 1754)), (0, 150))
    drawn.lines += body.lines
    drawn.words += [((left, top + 60, right, bottom + 60), word) for (left, top, right, bottom), word in body.words]
    layout = found(drawn)
    assert [block.kind for block in layout.blocks] == ["heading", "text", "text"]
    assert shown(drawn, layout) == drawn.lines


@pytest.mark.parametrize("points", [48, 64, 96])
@pytest.mark.parametrize("top", [200, 80], ids=["apart", "close"])
def test_a_heading_of_any_height_is_shown_word_by_word(points: int, top: int) -> None:
    drawn = Drawn(Image.new("RGB", (1240, 900), "white"))
    write(drawn, 100, 40, "OPEN OCEAN SALE", points)
    for row in range(10):
        write(drawn, 100, 40 + max(top, 2 * points) + 44 * row, "able acid blue city dark exit", 28)
    layout = found(drawn, WORD_BY_WORD)
    assert shown(drawn, layout) == drawn.lines
    assert [piece.joint for look in layout.looks for piece in look if piece.line == 0] == ["", " ", " "]


def test_rows_of_a_table_stay_rows() -> None:
    drawn = Drawn(Image.new("RGB", (1240, 900), "white"))
    pen = ImageDraw.Draw(drawn.picture)
    for row in range(10):
        for column, cell in enumerate((f"item{row}", f"{row}.50", f"{row * 7} kg")):
            write(drawn, 100 + 300 * column, 100 + 50 * row, cell, 22)
        pen.line((80, 90 + 50 * row, 1000, 90 + 50 * row), fill="black", width=2)
    for x in (80, 380, 680, 1000):
        pen.line((x, 90, x, 590), fill="black", width=2)
    layout = found(drawn)
    assert [block.kind for block in layout.blocks] == ["table"]
    assert shown(drawn, layout) == [f"item{row}\t{row}.50\t{row * 7} kg" for row in range(10)]


@pytest.mark.parametrize("above", [6, 10])
@pytest.mark.parametrize("width", [1, 3])
def test_a_ruled_table_does_not_hide_the_lines_above_it(above: int, width: int) -> None:
    drawn = Drawn(Image.new("RGB", (1240, 1754), "white"))
    for row in range(above):
        write(drawn, 70, 20 + 44 * row, "able acid blue city dark", 28)
    top = 80 + 44 * above
    for row in range(4):
        for column, cell in enumerate(("milk", str(row), "open")):
            write(drawn, 100 + 300 * column, top + 10 + 50 * row, cell, 28)
    pen = ImageDraw.Draw(drawn.picture)
    for row in range(5):
        pen.line((70, top + 50 * row, 970, top + 50 * row), fill="black", width=width)
    for x in (70, 370, 670, 970):
        pen.line((x, top, x, top + 200), fill="black", width=width)
    layout = found(drawn, WORD_BY_WORD)
    assert [block.kind for block in layout.blocks] == ["text", "table"]
    assert shown(drawn, layout)[: above + 3] == [*drawn.lines[:above], *(f"milk\t{row}\topen" for row in range(3))]


def test_turned_and_noisy_pages_keep_all_lines_and_boxes_lie_on_the_turned_page() -> None:
    drawn = page(lines=30)
    places = [box for box, _ in drawn.words]
    layout = found(drawn.turned(2.4).noisy(12))
    assert len(layout.line_boxes) == 30
    # the page was turned counterclockwise around its middle: the right ends of its lines went up
    assert layout.line_boxes[0][1] < min(top for _, top, _, _ in places) - 10
    assert all(
        0 <= left < right <= 1240 and 0 <= top < bottom <= 1754 for left, top, right, bottom in layout.line_boxes
    )


def test_a_page_without_ruled_lines_is_not_searched_for_thick_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    grey, _ = copy_of(page(lines=30).image, 2400)
    monkeypatch.delattr(ImageFilter, "MinFilter")  # it is slow
    assert ink_of(grey).getbbox()


def test_light_letters_on_dark_are_found() -> None:
    drawn = page(lines=20)
    drawn.picture = Image.eval(drawn.picture, lambda value: 255 - value)
    assert shown(drawn, found(drawn)) == drawn.lines


def test_a_shadow_over_the_page_is_no_ink() -> None:
    drawn = page(lines=20)
    shadow = Image.linear_gradient("L").resize(drawn.picture.size).point(lambda value: 110 + value // 2)
    drawn.picture = Image.composite(drawn.picture, Image.new("RGB", drawn.picture.size, "black"), shadow)
    assert shown(drawn, found(drawn)) == drawn.lines


def on_a_desk(drawn: Drawn, colour: str, margin: int) -> Drawn:
    desk = Image.new("RGB", tuple(side + 2 * margin for side in drawn.picture.size), colour)
    desk.paste(drawn.picture, (margin, margin))
    drawn.picture = desk
    drawn.words = [(tuple(side + margin for side in box), word) for box, word in drawn.words]
    return drawn


@pytest.mark.parametrize("colour", ["black", "#5a4632", "#8c8c8c"])
@pytest.mark.parametrize("margin", [30, 180])
def test_the_dark_surface_around_a_page_is_no_ink(colour: str, margin: int) -> None:
    drawn = on_a_desk(page(lines=10), colour, margin)
    assert shown(drawn, found(drawn)) == drawn.lines


def test_an_empty_page_on_a_dark_surface_is_empty() -> None:
    layout = found(on_a_desk(Drawn(Image.new("RGB", (1000, 1400), "white")), "#202020", 80))
    assert (layout.blocks, layout.looks) == ((), ())


def test_a_page_in_shadow_on_a_dark_surface_is_read() -> None:
    drawn = on_a_desk(page(lines=12), "#3c3228", 100)
    shadow = Image.linear_gradient("L").resize(drawn.picture.size).point(lambda value: 110 + value // 2)
    drawn.picture = Image.composite(drawn.picture, Image.new("RGB", drawn.picture.size, "black"), shadow)
    assert shown(drawn, found(drawn)) == drawn.lines


@pytest.mark.parametrize("width", [4, 10, 60])
@pytest.mark.parametrize("side", ["left", "right", "bottom"])
def test_the_black_edge_of_a_scan_is_no_ink(side: str, width: int) -> None:
    drawn = page(lines=10)
    right, bottom = drawn.picture.size
    box = {"left": (0, 0, width, bottom), "right": (right - width, 0, right, bottom)}.get(
        side, (0, bottom - width, right, bottom)
    )
    ImageDraw.Draw(drawn.picture).rectangle(box, fill="black")
    assert shown(drawn, found(drawn)) == drawn.lines


def test_the_letters_of_a_look_are_as_large_as_the_eyes_need_them() -> None:
    drawn = page(lines=40, columns=2)
    layout = found(drawn)
    assert layout.show
    for look in layout.looks:
        image = layout.show(look)
        scale = LLAVA.side_px / max(image.width, image.height)
        height = max(piece.box[3] - piece.box[1] for piece in look)
        cut = 1.0 if max(image.width, image.height) < LLAVA.side_px else 336 / LLAVA.side_px
        assert height * min(scale, 1.0) * cut >= 0.75 * LLAVA.reading.line_px
        assert max(image.width, image.height) <= LLAVA.side_px


@pytest.mark.parametrize(("points", "cleared"), [(44, True), (22, False)])
def test_large_letters_are_shown_without_the_grain_of_a_bad_scan(points: int, cleared: bool) -> None:
    """Of small ones the strokes would go with it."""
    layout = found(page(lines=12, points=points).noisy(25), WORD_BY_WORD)
    assert layout.show
    seen = pixels_of(layout.show(layout.looks[0])).convert("L")
    grain = ImageStat.Stat(ImageChops.difference(seen, seen.filter(ImageFilter.MedianFilter(3)))).mean[0]
    assert (grain < 6) == cleared


def test_a_word_that_is_too_long_is_shown_in_parts() -> None:
    drawn = Drawn(Image.new("RGB", (1240, 900), "white"))
    for row in range(6):
        write(drawn, 100, 100 + 40 * row, "incomprehensibility tiger", 22)
    layout = found(drawn, WORD_BY_WORD)
    first = [piece for look in layout.looks for piece in look if piece.line == 0]
    assert [piece.joint for piece in first] == ["", "", "", " "]
    assert all(a.box[2] <= b.box[0] for a, b in pairwise(first))


# --- what is no page ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", ["white", "black", "#d8d0c0"])
@pytest.mark.parametrize("sigma", [0, 10])
def test_a_blank_page_is_known_by_its_pixels(colour: str, sigma: float) -> None:
    drawn = Drawn(Image.new("RGB", (1240, 1754), colour))
    layout = found(drawn.noisy(sigma) if sigma else drawn)
    assert (layout.blocks, layout.looks) == ((), ())


@pytest.mark.parametrize("name", ["shapes.png", "text.png", "before.png"])
@pytest.mark.parametrize("eyes", [LLAVA, WORD_BY_WORD], ids=["llava", "word by word"])
def test_drawings_and_large_words_are_seen_as_they_are(name: str, eyes: Eyes) -> None:
    assert lay_out(load(ImageRef(str(demo.PICTURES / name), "file", demo.PICTURES / name)), eyes) is None


def test_large_letters_are_seen_as_they_are() -> None:
    assert lay_out(page(lines=5, size=(640, 480), points=60).image, LLAVA) is None


@pytest.mark.parametrize("size", [(640, 36), (640, 100), (640, 400), (9000, 400)])
@pytest.mark.parametrize("eyes", [LLAVA, WORD_BY_WORD], ids=["llava", "word by word"])
def test_one_line_that_is_too_long_for_a_look_is_read_in_pieces(size: tuple[int, int], eyes: Eyes) -> None:
    drawn = Drawn(Image.new("RGB", size, "white"))
    points = min(28 * size[0] // 640, size[1] * 3 // 4)
    write(drawn, 10, (size[1] - points) // 2, "able acid blue city dark exit gold hotel", points)
    assert shown(drawn, found(drawn, eyes)) == drawn.lines


def test_one_word_that_takes_the_whole_picture_is_seen_as_it_is() -> None:
    drawn = Drawn(Image.new("RGB", (150, 40), "white"))
    write(drawn, 10, 2, "hotel", 34)
    assert lay_out(drawn.image, WORD_BY_WORD) is None


def test_eyes_that_are_not_known_see_everything_as_it_is() -> None:
    assert lay_out(page().image, Eyes(0, Reading(line_px=18))) is None


@pytest.mark.parametrize("seed", range(4))
def test_a_photograph_is_no_page(seed: int) -> None:
    rng = random.Random(seed)
    picture = Image.effect_noise((1600, 1200), 120).resize((1600, 1200)).convert("RGB")
    pen = ImageDraw.Draw(picture)
    for _ in range(300):
        x, y, r = rng.randrange(1600), rng.randrange(1200), rng.randrange(5, 200)
        pen.ellipse((x - r, y - r, x + r, y + r), fill=tuple(rng.randrange(256) for _ in range(3)))
    assert lay_out(of_pixels("photo", picture), LLAVA) is None


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 3), (64, 64), (70, 4000)])
@pytest.mark.parametrize("noise", [False, True])
def test_pictures_of_any_shape_raise_nothing(size: tuple[int, int], noise: bool) -> None:
    picture = Image.effect_noise(size, 100).convert("RGB") if noise else Image.new("RGB", size, "white")
    lay_out(of_pixels("odd", picture), LLAVA)
    lay_out(of_pixels("odd", picture), WORD_BY_WORD)
