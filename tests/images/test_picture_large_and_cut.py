"""JPEGs that are drafted down before they fill the memory, and pictures whose end is missing, on demand."""

from __future__ import annotations

import threading

import pytest
from PIL import Image, ImageFile

from vlmcli import images
from vlmcli.errors import PictureDamaged, PictureTooLarge
from vlmcli.images import decode
from vlmcli.images.wishes import Wish

CUT = Wish(allow_truncated=True)
GREY = (128, 128, 128)


def halves(width=256, height=128):
    """Red on the left and blue on the right."""
    image = Image.new("RGB", (width, height), (255, 0, 0))
    image.paste((0, 0, 255), (width // 2, 0, width, height))
    return image


# --- too large --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "scale"), [(256 * 128, 1), (256 * 128 - 1, 2), (128 * 64 - 1, 4), (64 * 32 - 1, 8)])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_large_jpeg_is_drafted_down_as_little_as_must_be(limit, scale, mode, progressive, encoded, monkeypatch):
    monkeypatch.setattr(decode, "MAX_PIXELS", limit)
    loaded = images.load(images.resolve(encoded(halves().convert(mode), "JPEG", progressive=progressive)))
    assert (loaded.width, loaded.height) == (256 // scale, 128 // scale)
    left, right = loaded.rgb[:3], loaded.rgb[-3:]
    if mode == "RGB":
        assert (left[0] > 240, left[2] < 15, right[0] < 15, right[2] > 240) == (True,) * 4
    else:
        assert left != right


def test_a_drafted_jpeg_stands_upright(encoded, monkeypatch):
    monkeypatch.setattr(decode, "MAX_PIXELS", 128 * 64)
    exif = Image.Exif()
    exif[0x0112] = 6
    loaded = images.load(images.resolve(encoded(halves(), "JPEG", exif=exif)))
    assert (loaded.width, loaded.height) == (64, 128)
    assert loaded.rgb[0] > 240, "the left of the file is the top of the picture"


def test_a_jpeg_that_no_draft_makes_small_enough(encoded, monkeypatch):
    monkeypatch.setattr(decode, "MAX_PIXELS", 32 * 16 - 1)
    with pytest.raises(PictureTooLarge, match=r"^<bytes> is too large: "):
        images.load(images.resolve(encoded(halves(), "JPEG")))


def test_a_huge_progressive_jpeg_is_refused_as_it_is_held_whole(encoded, monkeypatch):
    monkeypatch.setattr(decode, "MAX_PIXELS", 1000)
    monkeypatch.setattr(decode, "MAX_PROGRESSIVE_PIXELS", 2000)
    with pytest.raises(PictureTooLarge, match="256 x 128 pixels"):
        images.load(images.resolve(encoded(halves(), "JPEG", progressive=True)))


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF", "BMP", "GIF"])
def test_other_formats_are_refused_with_their_size(format, encoded, monkeypatch):
    monkeypatch.setattr(decode, "MAX_PIXELS", 256 * 128 - 1)
    with pytest.raises(PictureTooLarge, match=r"^<bytes> is too large: 256 x 128 pixels are 0 megapixels"):
        images.load(images.resolve(encoded(halves(), format)))


def test_a_page_that_is_larger_than_the_first(encoded, monkeypatch):
    monkeypatch.setattr(decode, "MAX_PIXELS", 1000)
    tiff = encoded(halves(10, 10), "TIFF", save_all=True, append_images=[halves()])
    assert images.load(images.resolve(tiff)).width == 10
    with pytest.raises(PictureTooLarge, match="256 x 128"):
        images.load(images.resolve(tiff, Wish(frame=2)))


# --- cut off ----------------------------------------------------------------------------------------------


@pytest.fixture
def noisy():
    return Image.effect_noise((64, 64), 60).convert("RGB")


@pytest.mark.parametrize("format", ["PNG", "JPEG", "BMP", "PPM", "TIFF"])
def test_the_upper_half(format, noisy, encoded, pixels):
    data = encoded(noisy, format)
    half = data[: len(data) // 2]
    with pytest.raises(PictureDamaged, match=f"is a damaged {format} picture: it ends too early"):
        images.load(images.resolve(half))
    loaded = images.load(images.resolve(half, CUT))
    rgb = [tuple(loaded.rgb[i : i + 3]) for i in range(0, len(loaded.rgb), 3)]
    whole = pixels(data)
    top, bottom = (rgb[:640], rgb[-640:])
    if format == "BMP":  # its rows are stored from the bottom up
        assert rgb[-640:] == whole[-640:]
        top, bottom = bottom, top
    else:
        assert top == whole[:640]
    assert all(max(abs(v - 128) for v in pixel) <= 12 for pixel in bottom) or format == "JPEG"
    if format != "JPEG":  # libjpeg goes on with the last colour it saw
        assert set(bottom) == {GREY}


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA"])
def test_missing_rows_are_grey_and_not_clear(mode, noisy, encoded):
    data = encoded(noisy.convert(mode), "PNG")
    loaded = images.load(images.resolve(data[: len(data) // 2], CUT))
    assert loaded.rgb[-3:] == bytes(GREY)


@pytest.mark.parametrize("format", ["WEBP", "AVIF"])
def test_formats_that_are_whole_or_nothing(format, noisy, encoded):
    data = encoded(noisy, format)
    with pytest.raises(PictureDamaged, match=f"is a damaged {format} picture"):
        images.load(images.resolve(data[: len(data) // 2], CUT))


@pytest.mark.parametrize("format", ["PNG", "JPEG", "BMP"])
def test_a_picture_without_a_single_row_stays_an_error(format, encoded):
    data = encoded(Image.effect_noise((256, 256), 60).convert("RGB"), format)
    marker, past = {"PNG": (b"IDAT", 6), "JPEG": (b"\xff\xda", 14), "BMP": (b"BM", 54)}[format]
    with pytest.raises(PictureDamaged, match="it ends too early"):
        images.load(images.resolve(data[: data.index(marker) + past], CUT))


def test_whole_pictures_are_not_changed_by_the_wish(noisy, encoded):
    data = encoded(noisy, "PNG")
    assert images.load(images.resolve(data, CUT)) == images.load(images.resolve(data))


def test_pillows_switch_is_back_after_it(noisy, encoded):
    data = encoded(noisy, "PNG")
    images.load(images.resolve(data[: len(data) // 2], CUT))
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


def test_no_other_thread_gets_half_a_picture_unnoticed(noisy, encoded):
    data = encoded(noisy, "PNG")
    half, passed = data[: len(data) // 2], []

    def strictly():
        for _ in range(60):
            try:
                images.load(images.resolve(half))
            except PictureDamaged:
                continue
            passed.append(1)

    threads = [threading.Thread(target=strictly) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(60):
        images.load(images.resolve(half, CUT))
    for thread in threads:
        thread.join()
    assert not passed
