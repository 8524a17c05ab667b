"""Frames of animations and pages of documents: --frame and #page=3."""

from __future__ import annotations

import pytest
from PIL import Image

from vlmcli import images
from vlmcli.errors import PictureError, PictureNotFound
from vlmcli.images.wishes import Wish, split_page

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


@pytest.fixture
def animated(encoded):
    def draw(format, colours=(RED, GREEN, BLUE), size=(8, 8)):
        frames = [Image.new("RGB", size, colour) for colour in colours]
        options = {"lossless": True} if format == "WEBP" else {"quality": 100} if format == "AVIF" else {}
        return encoded(frames[0], format, save_all=True, append_images=frames[1:], **options)

    return draw


def colours_of(picture, wish):
    loaded = images.load(images.resolve(picture, wish))
    return {tuple(loaded.rgb[i : i + 3]) for i in range(0, len(loaded.rgb), 3)}


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_each_frame(format, animated):
    picture = animated(format)
    for number, expected in enumerate((RED, GREEN, BLUE), 1):
        (colour,) = colours_of(picture, Wish(frame=number))
        assert all(abs(a - b) <= 3 for a, b in zip(colour, expected, strict=True))


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_frame_that_is_not_there(format, animated):
    thing = "page" if format == "TIFF" else "frame"
    with pytest.raises(PictureError, match=f"^<bytes> has 3 {thing}s, and no {thing} 4\\.$") as caught:
        images.load(images.resolve(animated(format), Wish(frame=4)))
    assert caught.value.hint == "Take one up to 3: --frame 1"


@pytest.mark.parametrize("format", ["JPEG", "BMP", "PNG", "PPM"])
def test_a_picture_of_one_frame(format, encoded):
    picture = encoded(Image.new("RGB", (4, 4), RED), format)
    assert len(colours_of(picture, Wish(frame=1))) == 1
    with pytest.raises(PictureError, match=r"^<bytes> has one frame, and no frame 2\.$"):
        images.load(images.resolve(picture, Wish(frame=2)))


def test_a_frame_shows_what_lies_under_it(encoded):
    first, second = Image.new("RGBA", (4, 1), (*RED, 255)), Image.new("RGBA", (4, 1), (0, 0, 0, 0))
    second.putpixel((0, 0), (*GREEN, 255))
    gif = encoded(first, "GIF", save_all=True, append_images=[second], disposal=1)
    assert colours_of(gif, Wish(frame=2)) == {RED, GREEN}


def test_a_page_in_the_name(tmp_path, animated, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scan.tif").write_bytes(animated("TIFF"))
    loaded = images.load(images.resolve("scan.tif#page=3"))
    assert (loaded.name, loaded.rgb[:3]) == ("scan.tif#page=3", bytes(BLUE))
    assert images.load(images.resolve("scan.tif#page=2", Wish(frame=3))).rgb[:3] == bytes(GREEN), "the name wins"
    assert images.looks_like_picture("scan.tif#page=3")
    assert images.looks_like_picture("gone.tif#page=3")
    with pytest.raises(PictureNotFound, match=r"^There is no file gone\.tif\.$"):
        images.resolve("gone.tif#page=3")
    with pytest.raises(PictureError, match=r"^scan\.tif has 3 pages, and no page 9\.$") as caught:
        images.load(images.resolve("scan.tif#page=9"))
    assert caught.value.hint == "Take one up to 3: 'scan.tif#page=1'"


def test_a_file_of_that_whole_name_wins(tmp_path, animated, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scan.tif").write_bytes(animated("TIFF"))
    (tmp_path / "scan.tif#page=3").write_bytes(animated("TIFF", (GREEN,)))
    assert images.load(images.resolve("scan.tif#page=3")).rgb[:3] == bytes(GREEN)


@pytest.mark.parametrize(
    "name", ["a.tif", "a.tif#page=0", "a.tif#page=", "a.tif#page=x", "#page=3", "a#page=1234567890"]
)
def test_what_is_no_page(name):
    assert split_page(name) == (name, None)


def test_the_layers_of_a_psd_are_no_frames(encoded):
    image = Image.new("RGB", (2, 2), RED)
    image.format, image.n_frames = "PSD", 5
    with pytest.raises(PictureError, match="one frame"):
        images.load(images.resolve(image, Wish(frame=2)))
