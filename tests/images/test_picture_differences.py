"""Where two pictures differ: changes are found, and what JPEG does to the same picture is not."""

from __future__ import annotations

import io
import random

import pytest
from PIL import Image, ImageDraw, ImageFilter

from vlmcli.core import LoadedImage, Region
from vlmcli.images import difference, marked, to_png
from vlmcli.images.decode import of_pixels
from vlmcli.images.differing import MOST_CROPS, MOST_REGIONS

SIZE = (640, 480)


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    """Soft noise with sharp things on it."""
    chance = random.Random(1)
    soft = Image.effect_noise((SIZE[0] // 8, SIZE[1] // 8), 60).convert("RGB").resize(SIZE)
    picture = soft.filter(ImageFilter.GaussianBlur(2))
    pen = ImageDraw.Draw(picture)
    for _ in range(40):
        x, y, side = chance.randrange(SIZE[0]), chance.randrange(SIZE[1]), chance.randrange(16, 64)
        pen.ellipse((x, y, x + side, y + side), fill=tuple(chance.randrange(256) for _ in range(3)))
    return picture


def as_jpeg(picture: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def loaded(picture: Image.Image) -> LoadedImage:
    return of_pixels("x", picture)


def changed(picture: Image.Image, *boxes: tuple[int, int, int, int]) -> Image.Image:
    """With a rectangle in each box that stands out from what was there."""
    other = picture.copy()
    for left, top, right, bottom in boxes:
        bright = sum(picture.getpixel(((left + right) // 2, (top + bottom) // 2))) > 380  # type: ignore[arg-type]
        ImageDraw.Draw(other).rectangle((left, top, right - 1, bottom - 1), fill="black" if bright else "white")
    return other


@pytest.mark.parametrize("quality", [50, 75, 90])
def test_the_same_picture_as_jpeg_does_not_differ(photo: Image.Image, quality: int) -> None:
    found = difference(loaded(photo), loaded(as_jpeg(photo, quality)))
    assert (found.regions, found.identical, found.crops) == ((), False, ())


@pytest.mark.parametrize("quality", [None, 60, 90])
def test_a_change_is_found_where_it_is(photo: Image.Image, quality: int | None) -> None:
    boxes = [(100, 60, 160, 120), (400, 300, 440, 330)]
    pair = [photo, changed(photo, *boxes)]
    first, second = (loaded(as_jpeg(each, quality) if quality else each) for each in pair)
    found = difference(first, second)
    assert len(found.regions) == 2
    for box, (left, top, right, bottom) in zip(found.regions, boxes, strict=True):
        edges = (box.x, box.y, box.x + box.width, box.y + box.height)
        assert all(abs(a - b) <= 8 for a, b in zip(edges, (left, top, right, bottom), strict=True)), "largest first"
    assert difference(second, first).regions == found.regions
    assert found.share < 0.02


def test_exact_pixels_where_nothing_blurs_them() -> None:
    plain = Image.new("RGB", (200, 100), "white")
    found = difference(loaded(plain), loaded(changed(plain, (13, 7, 58, 31))))
    assert found.regions == (Region(13, 7, 45, 24),)


def test_identical_pixels() -> None:
    plain = Image.new("RGB", (20, 10), "white")
    assert difference(loaded(plain), loaded(plain.copy())).identical
    assert not difference(loaded(plain), loaded(changed(plain, (3, 3, 4, 4)))).identical


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (3, 3)], ids=str)
def test_the_smallest_pictures(size: tuple[int, int]) -> None:
    found = difference(loaded(Image.new("RGB", size)), loaded(Image.new("RGB", size, "white")))
    assert found.regions == (Region(0, 0, *size),)
    assert found.share == 1


def test_all_is_bounded() -> None:
    """A thousand changes: regions are joined, the largest come first, and a few are cut out."""
    plain = Image.new("RGB", (2000, 1500), "white")
    boxes = [(x, y, x + 10, y + 10) for x in range(0, 2000, 60) for y in range(0, 1500, 60)]
    found = difference(loaded(plain), loaded(changed(plain, *boxes)))
    assert 1 <= len(found.regions) <= MOST_REGIONS
    assert len(found.crops) <= MOST_CROPS
    areas = [box.width * box.height for box in found.regions]
    assert areas == sorted(areas, reverse=True)


def test_two_sizes_are_an_error() -> None:
    with pytest.raises(ValueError, match="two sizes"):
        difference(loaded(Image.new("RGB", (2, 2))), loaded(Image.new("RGB", (2, 3))))


def test_crops_show_the_place_and_what_is_around_it(photo: Image.Image) -> None:
    ((one, other),) = difference(loaded(photo), loaded(changed(photo, (300, 200, 360, 260)))).crops
    assert (one.width, one.height) == (other.width, other.height)
    assert 60 < one.width < 320
    assert one.rgb != other.rgb
    assert one.digest != other.digest


def test_frames_are_inside_their_boxes() -> None:
    plain = loaded(Image.new("RGB", (100, 80), "green"))
    framed = marked(plain, [Region(20, 10, 40, 30), Region(0, 0, 1, 1)])
    pixels = Image.open(io.BytesIO(to_png(framed)))
    assert pixels.getpixel((20, 10)) == (255, 255, 255)
    assert pixels.getpixel((23, 20)) == (255, 0, 0)
    assert {pixels.getpixel(at) for at in ((19, 10), (60, 10), (40, 25), (99, 79))} == {(0, 128, 0)}
    assert Image.frombytes("RGB", (100, 80), plain.rgb).getpixel((20, 10)) == (0, 128, 0), "the picture is left alone"
