"""Every mode and format becomes the right upright 8-bit RGB."""

from __future__ import annotations

import hashlib
import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image

from vlmcli import images
from vlmcli.images.formats import FORMATS

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)
CORNERS = [RED, GREEN, BLUE, (12, 34, 56)]


def drawn(mode, pixels, size=None):
    image = Image.new(mode, size or (len(pixels), 1))
    image.putdata(pixels)
    return image


def blocks(colours=CORNERS, width=32, height=16):
    """Four blocks of colour, large enough to survive lossy formats."""
    image = Image.new("RGB", (width, height))
    for i, colour in enumerate(colours):
        image.paste(colour, (i % 2 * width // 2, i // 2 * height // 2, width, height))
    return image


def palette_image(transparency=None):
    image = drawn("P", [0, 1, 2])
    image.putpalette([*RED, *GREEN, *BLUE])
    return image, ({} if transparency is None else {"transparency": transparency})


@pytest.mark.parametrize(
    "format", ["PNG", "BMP", "TIFF", "PPM", "QOI", "SGI", "DDS", "WEBP", "JPEG2000", "ICNS", "ICO"]
)
def test_a_lossless_format_gives_its_exact_pixels(format, encoded):
    size = (128, 128) if format in ("ICNS", "ICO") else (32, 16)
    picture = blocks(width=size[0], height=size[1])
    options = {"lossless": True} if format == "WEBP" else {"sizes": [size]} if format == "ICO" else {}
    if format == "ICNS":
        options = {"append_images": [picture]}
        picture = picture.resize((1024, 1024), Image.Resampling.NEAREST)
    loaded = images.load(images.resolve(encoded(picture, format, **options)))
    assert (loaded.width, loaded.height, loaded.format) == (*picture.size, format)
    assert loaded.rgb == picture.tobytes()


@pytest.mark.parametrize("format", ["JPEG", "GIF", "AVIF", "WEBP"])
def test_a_lossy_format_gives_nearly_its_pixels(format, encoded):
    loaded = images.load(images.resolve(encoded(blocks(), format, quality=95)))
    got = Image.frombytes("RGB", (loaded.width, loaded.height), loaded.rgb)
    assert loaded.format == format
    for point, colour in zip([(7, 3), (23, 3), (7, 11), (23, 11)], CORNERS, strict=True):
        assert all(abs(a - b) <= 12 for a, b in zip(got.getpixel(point), colour, strict=True)), point


def test_every_format_of_the_table_is_tested_here_or_below():
    tested = {
        "PNG",
        "BMP",
        "TIFF",
        "PPM",
        "QOI",
        "SGI",
        "DDS",
        "WEBP",
        "JPEG2000",
        "ICNS",
        "ICO",
        "JPEG",
        "GIF",
        "AVIF",
    }
    assert {f.name for f in FORMATS} == tested | {"PSD", "HEIF", "PDF"}


def test_psd(pixels):
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 1, 2, 8, 3) + bytes(12) + b"\0\0"
    assert pixels(header + bytes([255, 0, 0, 9, 0, 8])) == [(255, 0, 0), (0, 9, 8)]


def test_palette(encoded, pixels):
    image, _ = palette_image()
    assert pixels(encoded(image, "PNG")) == pixels(encoded(image, "GIF")) == [RED, GREEN, BLUE]


@pytest.mark.parametrize(
    ("format", "transparency", "expected"),
    [
        ("PNG", 1, [RED, WHITE, BLUE]),
        ("GIF", 1, [RED, WHITE, BLUE]),
        ("PNG", bytes([255, 0, 128]), [RED, WHITE, (127, 127, 255)]),
    ],
)
def test_palette_with_transparency_lies_over_white(format, transparency, expected, encoded, pixels):
    image, options = palette_image(transparency)
    assert pixels(encoded(image, format, **options)) == expected


@pytest.mark.parametrize(
    ("mode", "values", "expected"),
    [
        ("L", [0, 100, 255], [BLACK, (100, 100, 100), WHITE]),
        ("1", [0, 255], [BLACK, WHITE]),
        ("LA", [(0, 255), (0, 0), (100, 255)], [BLACK, WHITE, (100, 100, 100)]),
        ("RGBA", [(255, 0, 0, 255), (255, 0, 0, 0), (0, 0, 0, 128)], [RED, WHITE, (127, 127, 127)]),
    ],
)
def test_grey_and_alpha_in_a_png(mode, values, expected, encoded, pixels):
    assert pixels(encoded(drawn(mode, values), "PNG")) == expected


def test_the_transparent_colour_of_a_png_lies_over_white(encoded, pixels):
    assert pixels(encoded(drawn("RGB", [RED, GREEN]), "PNG", transparency=RED)) == [WHITE, GREEN]
    assert pixels(encoded(drawn("L", [0, 100]), "PNG", transparency=100)) == [BLACK, WHITE]


def test_sixteen_bit_rgb_png_with_a_transparent_colour(pixels):
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    row = b"\0" + struct.pack(">HHH", 0xFFFF, 0x0180, 0x0280)
    key = chunk(b"tRNS", struct.pack(">HHH", 65535, 1, 2))
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + key + chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b"")
    assert pixels(png) == [(255, 1, 2)]


GREY_16 = [0, 1000, 32896, 65535]
GREY_8 = [(v, v, v) for v in (0, 4, 128, 255)]


@pytest.mark.parametrize(("mode", "format"), [("I;16", "PNG"), ("I;16", "TIFF"), ("I;16B", "TIFF"), ("I;16", "PPM")])
def test_sixteen_bit_grey_is_scaled_and_not_clipped(mode, format, encoded, pixels):
    order = "<" if mode == "I;16" else ">"
    image = Image.frombytes(mode, (4, 1), struct.pack(f"{order}4H", *GREY_16))
    assert pixels(encoded(image, format)) == GREY_8
    assert pixels(image) == GREY_8


def tiff(values, *, kind, **tags):
    """A one-row little-endian TIFF of samples packed as `kind`, with whatever tags."""
    data = struct.pack(f"<{len(values)}{kind}", *values)
    bits = struct.calcsize(kind) * 8
    all_tags = {256: len(values), 257: 1, 258: bits, 259: 1, 262: 1, 273: 8, 277: 1, 278: 1, 279: len(data)}
    all_tags |= {int(tag[1:]): value for tag, value in tags.items()}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(all_tags.items()))
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(all_tags)) + entries + bytes(4)


def greys(*values):
    return [(v, v, v) for v in values]


def test_tiff_where_zero_is_white(pixels):
    assert pixels(tiff(GREY_16, kind="H", t262=0)) == greys(255, 251, 127, 0)


def test_tiff_of_floats(pixels):
    assert pixels(tiff([0.0, 0.5, 1.0], kind="f", t339=3)) == greys(0, 128, 255)
    assert pixels(tiff([0.0, 100.0, 255.0], kind="f", t339=3)) == greys(0, 100, 255)
    assert pixels(tiff([-1000.0, 0.0, 1e5], kind="f", t339=3))[::2] == greys(0, 255)


def test_floats_that_are_no_number_do_not_spoil_the_others(pixels):
    values = [float("nan"), 0.0, 0.5, 1.0, float("inf")]
    assert pixels(tiff(values, kind="f", t339=3))[1:] == greys(0, 128, 255, 255)


def test_tiff_of_32_bit_and_of_signed_integers(pixels):
    assert pixels(tiff([0, 7, 255], kind="I")) == greys(0, 7, 255)
    assert pixels(tiff([0, 257 * 9, 65535], kind="I")) == greys(0, 9, 255)
    assert pixels(tiff([0, 2**30, 2**31 - 1], kind="I")) == greys(0, 128, 255)
    assert pixels(tiff([-510, 0, 510], kind="h", t339=2)) == greys(0, 128, 255)


def test_cmyk_of_a_tiff_and_of_an_adobe_jpeg(encoded, pixels):
    cmyk = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    assert set(pixels(encoded(cmyk, "TIFF"))) == {RED}
    jpeg = encoded(cmyk, "JPEG", quality=95)
    assert b"Adobe" in jpeg, "Pillow writes the inverted CMYK that Photoshop writes"
    assert all(r > 245 and g < 10 and b < 10 for r, g, b in pixels(jpeg))


@pytest.mark.parametrize("mode", ["YCbCr", "LAB", "HSV", "PA", "RGBa", "La", "RGBX"])
def test_rare_modes(mode, pixels):
    if mode == "LAB":
        image = Image.frombytes("LAB", (2, 1), bytes([255, 0, 0, 0, 0, 0]))
        for got, expected in zip(pixels(image), [WHITE, BLACK], strict=True):
            assert all(abs(a - b) <= 1 for a, b in zip(got, expected, strict=True))
    elif mode == "PA":
        image, _ = palette_image()
        image = image.convert("PA")
        image.putalpha(Image.frombytes("L", (3, 1), bytes([255, 0, 255])))
        assert image.mode == "PA"
        assert pixels(image) == [RED, WHITE, BLUE]
    else:
        start = drawn("RGBA", [(255, 0, 0, 255), (255, 255, 255, 255)])
        step = {"La": "LA", "RGBa": "RGBA"}.get(mode, "RGB")
        grey = (76, 76, 76)
        got = pixels(start.convert(step).convert(mode))
        expected = grey if mode == "La" else RED
        assert all(abs(a - b) <= 1 for a, b in zip(got[0], expected, strict=True))
        assert got[1] == WHITE


def test_lab_colours_are_the_ones_meant(encoded, pixels):
    lab_red = Image.frombytes("LAB", (1, 1), bytes([round(54.3 * 2.55), 81, 70]))
    r, g, b = pixels(lab_red)[0]
    assert r > 245
    assert g < 25
    assert b < 25
    assert pixels(encoded(lab_red, "TIFF")) == [(r, g, b)]


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_an_animation_the_first_frame(format, encoded, pixels):
    frames = [Image.new("RGB", (8, 8), c) for c in (RED, GREEN, BLUE)]
    options = {"lossless": True} if format == "WEBP" else {}
    assert set(pixels(encoded(frames[0], format, save_all=True, append_images=frames[1:], **options))) == {RED}


# --- upright ----------------------------------------------------------------------------------------------

# What the file holds for each orientation so that, turned, it reads [[1, 2, 3], [4, 5, 6]].
STORED = {
    1: [[1, 2, 3], [4, 5, 6]],
    2: [[3, 2, 1], [6, 5, 4]],
    3: [[6, 5, 4], [3, 2, 1]],
    4: [[4, 5, 6], [1, 2, 3]],
    5: [[1, 4], [2, 5], [3, 6]],
    6: [[3, 6], [2, 5], [1, 4]],
    7: [[6, 3], [5, 2], [4, 1]],
    8: [[4, 1], [5, 2], [6, 3]],
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_applied(orientation, format, encoded):
    rows = STORED[orientation]
    image = drawn("L", [v * 40 for row in rows for v in row], (len(rows[0]), len(rows))).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if format == "WEBP" else {}
    loaded = images.load(images.resolve(encoded(image, format, exif=exif, **options)))
    assert (loaded.width, loaded.height) == (3, 2)
    assert list(loaded.rgb[::3]) == [40, 80, 120, 160, 200, 240]


def test_orientation_of_a_jpeg(encoded):
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = encoded(blocks([RED, BLUE, RED, BLUE]), "JPEG", exif=exif)
    for given in (picture, Image.open(BytesIO(picture))):
        loaded = images.load(images.resolve(given))
        assert (loaded.width, loaded.height) == (16, 32)
        r, _, b = loaded.rgb[:3]
        assert (r > 200, b < 60) == (True, True), "the left of the file is the top of the picture"


@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0garbage", b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01", b"junk"])
def test_damaged_exif_does_not_matter(exif, encoded, capfd, recwarn):
    loaded = images.load(images.resolve(encoded(blocks(), "JPEG", exif=exif)))
    assert (loaded.width, loaded.height) == (32, 16)
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_turns_nothing(orientation, encoded):
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert images.load(images.resolve(encoded(blocks(), "JPEG", exif=exif))).width == 32


# --- what comes out ---------------------------------------------------------------------------------------


def test_the_digest_is_of_size_and_pixels_and_not_of_the_file(encoded, tmp_path):
    picture = blocks()
    path = tmp_path / "called.gif"
    path.write_bytes(encoded(picture, "PNG"))
    png, bmp = images.load(images.resolve(path)), images.load(images.resolve(encoded(picture, "BMP")))
    assert png.digest == bmp.digest == hashlib.sha256(b"vlm-rgb8 32x16\n" + picture.tobytes()).hexdigest()
    assert (png.name, png.format) == (str(path), "PNG")
    turned = images.load(images.resolve(Image.frombytes("RGB", (16, 32), picture.tobytes())))
    assert turned.rgb == png.rgb
    assert turned.digest != png.digest


def test_a_pil_image_is_not_changed_by_loading_it():
    image = drawn("RGBA", [(1, 2, 3, 0)])
    image.info["transparency"] = 5
    before = (image.mode, image.tobytes(), dict(image.info))
    images.load(images.resolve(image))
    assert (image.mode, image.tobytes(), image.info) == before
