"""A loaded picture as a file for a server: whole where it fits, smaller where it must be."""

from __future__ import annotations

import io
import random

import pytest
from PIL import Image, ImageDraw

from vlmcli.core import LoadedImage
from vlmcli.images import encode


def loaded(picture: Image.Image) -> LoadedImage:
    return LoadedImage("a.png", *picture.size, picture.tobytes(), "")


def drawing(side: int = 600) -> Image.Image:
    picture = Image.new("RGB", (side, side), "white")
    ImageDraw.Draw(picture).ellipse((side / 4, side / 4, side / 2, side / 2), fill="red", outline="black")
    return picture


def photograph(width: int, height: int) -> Image.Image:
    """Noise on a gradient: what no PNG makes small."""
    chance = random.Random(1)
    coarse = Image.frombytes("RGB", (64, 48), chance.randbytes(64 * 48 * 3)).resize((width, height))
    fine = Image.frombytes("RGB", (width, height), chance.randbytes(width * height * 3))
    return Image.blend(coarse, fine, 0.05)


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def test_every_pixel_of_a_drawing_arrives() -> None:
    kind, data = encode(loaded(drawing()), 4_000_000)
    assert kind == "image/png"
    assert opened(data).convert("RGB").tobytes() == drawing().tobytes()


def test_a_photograph_is_a_jpeg_of_all_its_pixels() -> None:
    picture = photograph(800, 600)
    kind, data = encode(loaded(picture), 4_000_000)
    sent = opened(data)
    assert (kind, sent.format, sent.size) == ("image/jpeg", "JPEG", picture.size)
    differences = [abs(a - b) for a, b in zip(sent.tobytes(), picture.tobytes(), strict=True)]
    assert sum(differences) / len(differences) < 4


@pytest.mark.parametrize("limit", [200_000, 50_000, 5_000, 1_000])
@pytest.mark.parametrize("size", [(1200, 900), (3000, 40), (40, 3000)])
def test_it_keeps_to_the_limit_and_to_its_shape(limit: int, size: tuple[int, int]) -> None:
    picture = photograph(*size)
    kind, data = encode(loaded(picture), limit)
    sent = opened(data)
    assert len(data) <= limit or min(sent.size) <= 16
    assert f"image/{str(sent.format).lower()}" == kind
    assert sent.width / sent.height == pytest.approx(picture.width / picture.height, rel=0.1)


def test_no_more_is_taken_away_than_must_be() -> None:
    _kind, data = encode(loaded(photograph(1200, 900)), 100_000)
    assert 50_000 < len(data) <= 100_000


def test_a_drawing_that_is_too_large_loses_sharpness_before_size() -> None:
    picture = drawing(1500)
    picture.paste(photograph(700, 700), (0, 0))
    size = len(encode(loaded(picture), 1 << 30)[1])
    _kind, data = encode(loaded(picture), size - 1)
    assert len(data) < size
    assert opened(data).width <= 1500


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (2, 3)])
def test_the_smallest_pictures(size: tuple[int, int]) -> None:
    _, data = encode(loaded(Image.new("RGB", size, "blue")), 1_000)
    assert opened(data).size == size


def test_longer_than_any_jpeg() -> None:
    _, data = encode(loaded(photograph(70_000, 20)), 1 << 30)
    assert max(opened(data).size) <= 65_500
