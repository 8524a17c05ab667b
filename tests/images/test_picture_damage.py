"""Hostile and broken files: each has its error class and its sentence, and nothing is printed."""

from __future__ import annotations

import random
import struct
import threading
import tracemalloc
import warnings
import zlib
from contextlib import suppress
from io import BytesIO

import pytest
from PIL import Image

from vlmcli import images
from vlmcli.errors import NotAPicture, PictureDamaged, PictureError, PictureTooLarge
from vlmcli.images import decode, quiet


@pytest.fixture(autouse=True)
def nothing_is_printed(capfd):
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        yield
    assert not shown
    assert capfd.readouterr() == ("", "")


def png_header(width, height, depth=8, colour=2):
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


def png_chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def bomb(width, height):
    """A PNG whose header claims a size, with a few pixels in it."""
    return png_header(width, height) + png_chunk(b"IDAT", zlib.compress(bytes(1000))) + png_chunk(b"IEND", b"")


def failure(path, data, error):
    path.write_bytes(data)
    with pytest.raises(error) as caught:
        images.load(images.resolve(path))
    assert type(caught.value) is error
    return caught.value


NOT_PICTURES = {
    "text.jpg": (b"Dear diary,\nno picture today. \xc3\xa9\n", "is not a picture: it seems to be plain text."),
    "utf16.jpg": ("text".encode("utf-16"), "is not a picture: it seems to be plain text."),
    "python.png": (b"Python is what it says", "is not a picture: it seems to be plain text."),
    "bmw.bmp": (b"BMW builds motor cars in Bavaria.", "is not a picture: it seems to be plain text."),
    "page.jpg": (b"\n<!DOCTYPE html><html><body>404</body>", "is not a picture: it seems to be a web page."),
    "xhtml.jpg": (b"<?xml version='1.0'?>\n<!-- x --><html/>", "is not a picture: it seems to be a web page."),
    "feed.png": (b"<?xml version='1.0'?><rss/>", "is not a picture: it seems to be XML."),
    "data.png": (b'{"error": "not found"}', "is not a picture: it seems to be JSON."),
    "logo.svg": (b'<?xml version="1.0"?>\n<svg xmlns="x"/>', "is an SVG drawing, made of lines and not of pixels."),
    "plain.svg": (b"<svg></svg>", "is an SVG drawing, made of lines and not of pixels."),
    "figure.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "is a PostScript drawing, made of lines and not of pixels."),
    "new.jxl": (b"\xff\x0a\xfa\x7f", "is a JPEG XL picture, a format that is not read."),
    "clip.mp4": (b"\0\0\0\x18ftypisom\0\0\0\0", "is not a picture: it seems to be a video."),
    "model.png": (b"GGUF\x03\0\0\0", "is not a picture: it seems to be a GGUF model."),
    "all.zip": (b"PK\x03\x04\x14\0", "is not a picture: it seems to be an archive."),
    "lfs.png": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
        "is a Git LFS pointer: the picture itself was not downloaded.",
    ),
    "zeros.jpg": (bytes(5000), "is not a picture: it begins with nothing but zero bytes."),
    "empty.png": (b"", "is empty: there is no picture in it."),
    "noise.jpg": (
        b"\x93\x01\xfe\xdc\xba\x98",
        "is not a picture of a known format: its first bytes are 93 01 fe dc ba 98.",
    ),
}


@pytest.mark.parametrize("name", NOT_PICTURES)
def test_not_a_picture(name, tmp_path):
    data, sentence = NOT_PICTURES[name]
    error = failure(tmp_path / name, data, NotAPicture)
    assert error.sentence == f"{tmp_path / name} {sentence}"
    assert error.hint
    assert error.exit_code == 3


def test_hints_name_the_command_to_type(tmp_path):
    def hint(name):
        return failure(tmp_path / name, NOT_PICTURES.get(name, NOT_PICTURES["text.jpg"])[0], NotAPicture).hint

    assert hint("text.jpg") == f"Check the file with: file {tmp_path}/text.jpg"
    assert hint("lfs.png") == f"Fetch it with: git lfs pull --include {tmp_path}/lfs.png"
    assert hint("a b;c.jpg") == f"Check the file with: file '{tmp_path}/a b;c.jpg'"


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "QOI", "AVIF"])
def test_a_picture_that_ends_too_early(format, encoded, tmp_path):
    picture = Image.effect_noise((60, 40), 80).convert("RGB")
    data = encoded(picture, format)
    piece = data[: len(data) * 9 // 10]
    error = failure(tmp_path / "cut.jpg", piece, PictureDamaged)
    assert error.sentence == (
        f"{tmp_path}/cut.jpg is a damaged {format} picture: it ends too early, after {len(piece):,} bytes."
    )
    assert error.hint == "Copy or download it again."


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate"])
def test_a_damaged_tiff_is_silent_though_libtiff_is_not(compression, encoded, tmp_path):
    data = bytearray(encoded(Image.effect_noise((60, 40), 80).convert("RGB"), "TIFF", compression=compression))
    data[60:90] = b"\xa5\x3c\xff" * 10
    error = failure(tmp_path / "a.tif", bytes(data), PictureDamaged)
    assert "is a damaged TIFF picture: it cannot be decoded (" in error.sentence


def test_a_damaged_png_chunk(encoded, tmp_path):
    data = bytearray(encoded(Image.effect_noise((60, 40), 80), "PNG"))
    data[60] ^= 0xFF
    assert (
        "is a damaged PNG picture: it cannot be decoded (" in failure(tmp_path / "a.png", data, PictureDamaged).sentence
    )


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "ICO", "SGI", "DDS", "QOI"])
def test_any_damage_is_one_of_our_errors(format, encoded, monkeypatch):
    """100 pictures a format, each with bytes changed: a LoadedImage or a PictureError, and nothing else."""
    monkeypatch.setattr(decode, "MAX_PIXELS", 1_000_000)  # a changed size need not fill the memory
    chance = random.Random(format)
    good = encoded(blocks(), format)
    for _ in range(100):
        data = bytearray(good)
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(min(len(data), 300))] = chance.randrange(256)
        with suppress(PictureError):
            images.load(images.resolve(bytes(data)))


def blocks():
    image = Image.new("RGB", (16, 12), (200, 30, 40))
    image.paste((10, 220, 90), (4, 4, 12, 8))
    return image


# --- size -------------------------------------------------------------------------------------------------


def test_a_bomb_is_refused_with_its_size_before_it_is_decoded(tmp_path):
    tracemalloc.start()
    try:
        error = failure(tmp_path / "bomb.png", bomb(50_000, 50_000), PictureTooLarge)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
    assert error.sentence == (
        f"{tmp_path}/bomb.png is too large: 50,000 x 50,000 pixels are 2,500 megapixels, and the limit is 180."
    )


def test_the_limit_is_at_180_megapixels(monkeypatch, tmp_path):
    # Between Pillow's own limits, which warn from 89 and refuse from 179: only ours counts. The few pixels that the
    # file has end too early, which shows that its size was let through.
    monkeypatch.setattr(decode, "_pixels", only_check(decode._pixels))
    failure(tmp_path / "a.png", bomb(18_000, 10_000), PictureDamaged)
    failure(tmp_path / "b.png", bomb(18_000, 10_001), PictureTooLarge)


def only_check(pixels):
    """`_pixels` without decoding: 540 MB are not for a test."""

    def check(ref, image, *rest):
        image.load = lambda: (_ for _ in ()).throw(OSError("truncated"))
        return pixels(ref, image, *rest)

    return check


def test_the_limits_of_pillow_are_left_alone():
    limit = Image.MAX_IMAGE_PIXELS
    with pytest.raises(PictureTooLarge):
        images.load(images.resolve(bomb(50_000, 50_000)))
    assert limit == Image.MAX_IMAGE_PIXELS == 89478485


def test_a_frame_larger_than_its_picture(tmp_path):
    gif = b"GIF89a" + struct.pack("<HHBBB", 10, 10, 0x80, 0, 0) + bytes(6)
    gif += b"," + struct.pack("<HHHHB", 0, 0, 60_000, 60_000, 0) + b"\x02\x02\x4c\x01\0;"
    failure(tmp_path / "a.gif", gif, PictureTooLarge)


def test_a_picture_without_pixels(tmp_path):
    with pytest.raises(PictureDamaged, match="has no pixels: its size is 0 x 7"):
        images.load(images.resolve(Image.new("RGB", (0, 7))))
    failure(tmp_path / "a.png", bomb(0, 5), PictureDamaged)


def test_no_memory_is_said_in_a_sentence(monkeypatch, encoded):
    def exhausted(image):
        raise MemoryError

    monkeypatch.setattr(decode, "to_rgb", exhausted)
    with pytest.raises(PictureTooLarge, match="<bytes> is too large for the memory that is free"):
        images.load(images.resolve(encoded(blocks(), "PNG")))


def test_a_pil_image_that_cannot_be_decoded(encoded):
    data = encoded(Image.effect_noise((60, 40), 80), "PNG")
    with pytest.raises(PictureDamaged, match="<image> cannot be decoded"):
        images.load(images.resolve(Image.open(BytesIO(data[: len(data) // 2]))))


def test_warnings_stay_off_only_within_and_for_any_number_of_threads():
    before = list(warnings.filters)
    both_inside, first_left = threading.Barrier(2), threading.Event()

    def first():
        with quiet.quiet():
            both_inside.wait()
        first_left.set()

    def second():
        with quiet.quiet():
            both_inside.wait()
            first_left.wait()
            warnings.warn("unseen", stacklevel=1)

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before
