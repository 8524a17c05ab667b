"""Several pictures side by side."""

from __future__ import annotations

import pytest
from PIL import Image, ImageChops

from vlmcli import images
from vlmcli.images import stitching


def picture(width, height, colour):
    return images.load(images.resolve(Image.new("RGB", (width, height), colour)))


def seen(loaded):
    return Image.frombytes("RGB", (loaded.width, loaded.height), loaded.rgb)


def box(image, colour):
    """The bounding box of the pixels that have exactly this colour."""
    other = (
        ImageChops.difference(image, Image.new("RGB", image.size, colour)).convert("L").point(lambda v: 255 * (v == 0))
    )
    return other.getbbox()


def test_side_by_side_equally_high_with_a_gap():
    image = seen(images.stitch([picture(100, 200, "red"), picture(50, 50, "blue")], ["A", "B"]))
    red, blue = box(image, (255, 0, 0)), box(image, (0, 0, 255))
    assert (red[2] - red[0], red[3] - red[1]) == (100, 200)
    assert (blue[2] - blue[0], blue[3] - blue[1]) == (200, 200)
    assert red[1] == blue[1]
    gap = blue[0] - red[2]
    assert gap > 4
    assert red[0] == gap
    assert image.width - blue[2] == gap
    assert image.height - blue[3] == gap
    assert image.getpixel((red[2] + gap // 2, 150)) == (255, 255, 255)


def test_a_label_above_each():
    image = seen(images.stitch([picture(200, 200, "red"), picture(200, 200, "blue")], ["A", "B"]))
    red, blue = box(image, (255, 0, 0)), box(image, (0, 0, 255))
    labels = [image.crop((b[0], 0, b[2], b[1])) for b in (red, blue)]
    for label in labels:
        left, top, right, bottom = box(label, (0, 0, 0))
        assert abs((left + right) / 2 - 100) <= 2, "in the middle above its picture"
        assert 2 < top < bottom < label.height - 2, "whole, and off the picture"
        assert bottom - top >= 12
    assert labels[0].tobytes() != labels[1].tobytes()


def test_the_whole_stays_within_bounds(monkeypatch):
    monkeypatch.setattr(stitching, "MAX_PIXELS", 1_000_000)
    loaded = images.stitch([picture(3000, 10, "red"), picture(10, 3000, "blue")], ["A", "B"])
    assert loaded.width * loaded.height < 3_000_000


def test_its_name_and_digest():
    pictures = [picture(9, 9, "red"), picture(9, 9, "blue")]
    one, same, other = (images.stitch(p, ["A", "B"]) for p in (pictures, pictures, pictures[::-1]))
    assert one.name == "<image>, <image>"
    assert one == same
    assert one.digest != other.digest


@pytest.mark.parametrize(("count", "labels"), [(0, []), (1, []), (1, ["A", "B"])])
def test_one_label_a_picture(count, labels):
    with pytest.raises(ValueError, match="labels"):
        images.stitch([picture(9, 9, "red")] * count, labels)
