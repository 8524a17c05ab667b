"""ICC profiles: colours as they are meant, and never an error."""

from __future__ import annotations

import random
import struct
from io import BytesIO

import pytest
from PIL import Image, ImageCms


def profile(red=(0.5151, 0.2412, -0.0011), green=(0.2920, 0.6922, 0.0419), blue=(0.1571, 0.0666, 0.7841), gamma=2.2):
    """A matrix profile as a camera writes it; by default the primaries of Display P3."""

    def fixed(value):
        return struct.pack(">i", round(value * 65536))

    def xyz(values):
        return b"XYZ \0\0\0\0" + b"".join(fixed(v) for v in values)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"Test\0" + bytes(83)
    tags = {b"desc": text, b"wtpt": xyz((0.9642, 1, 0.8249))}
    tags |= {b"rXYZ": xyz(red), b"gXYZ": xyz(green), b"bXYZ": xyz(blue)}
    tags |= {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    body, table, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", at + len(body), len(data))
        body += data
    head = bytes(8) + b"\x02\x10\0\0" + b"mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28)
    head += b"".join(fixed(v) for v in (0.9642, 1, 0.8249)) + bytes(48)
    whole = head + struct.pack(">I", len(tags)) + table + body
    return struct.pack(">I", len(whole)) + whole[4:]


P3 = profile()
NARROW = profile((0.3, 0.25, 0.1), (0.35, 0.5, 0.2), (0.3142, 0.25, 0.5249))
"""Primaries that are rather grey: what is pure red in it is pale in sRGB."""


def close(got, expected, by=3):
    return all(abs(a - b) <= by for a, b in zip(got, expected, strict=True))


@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_the_profile_is_applied(format, encoded, pixels):
    image = Image.new("RGB", (16, 16), (200, 100, 50))
    plain = pixels(encoded(image, format))[0]
    seen = pixels(encoded(image, format, icc_profile=P3))[0]
    assert not close(plain, seen), "Display P3 is wider than sRGB"
    assert seen[0] > plain[0] + 5
    assert seen[2] < plain[2]


def test_the_pixels_are_the_ones_that_lcms_makes(encoded, pixels):
    image = Image.new("RGB", (1, 1), (180, 90, 60))
    theirs = ImageCms.ImageCmsProfile(BytesIO(P3))
    expected = ImageCms.profileToProfile(image, theirs, ImageCms.createProfile("sRGB"))
    assert pixels(encoded(image, "PNG", icc_profile=P3)) == [expected.getpixel((0, 0))]


def test_grey_stays_grey(encoded, pixels):
    for grey in (0, 60, 128, 255):
        assert close(pixels(encoded(Image.new("RGB", (1, 1), (grey,) * 3), "PNG", icc_profile=P3))[0], (grey,) * 3, 6)


def test_an_srgb_profile_changes_no_pixel(encoded, pixels):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    colours = [(i, 255 - i, (i * 7) % 256) for i in range(256)]
    image = Image.new("RGB", (256, 1))
    image.putdata(colours)
    assert pixels(encoded(image, "PNG", icc_profile=srgb)) == colours


@pytest.mark.parametrize("mode", ["RGBA", "P", "key"])
def test_transparent_pixels_lie_over_a_white_that_is_white(mode, encoded, pixels):
    image = Image.new("RGBA", (2, 1), (255, 0, 0, 255))
    image.putpixel((1, 0), (0, 255, 0, 0))
    options = {}
    if mode == "P":
        image = image.convert("P")
        options["transparency"] = image.getpixel((1, 0))
    if mode == "key":
        image, options["transparency"] = image.convert("RGB"), (0, 255, 0)
    red, clear = pixels(encoded(image, "PNG", icc_profile=NARROW, **options))
    assert clear == (255, 255, 255)
    assert red[1] > 60, "pale, and so converted"


def test_a_profile_of_another_kind_of_colours(encoded, pixels):
    image = Image.new("L", (1, 1), 100)
    assert pixels(encoded(image, "PNG", icc_profile=P3)) == [(100, 100, 100)]
    cmyk = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    assert close(pixels(encoded(cmyk, "JPEG", icc_profile=P3))[0], (255, 0, 0), 10)


BROKEN = {
    "empty": b"",
    "junk": b"this is no profile",
    "cut": P3[:200],
    "zeros": bytes(500),
    "no tags": P3[:128] + bytes(4),
    "many tags": P3[:128] + b"\xff\xff\xff\xff" + P3[132:],
    "far away": P3[:160] + b"\xff\xff\xff\xff" + P3[164:],
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_a_broken_profile_is_ignored(name, format, encoded, pixels, capfd, recwarn):
    image = Image.new("RGB", (16, 16), (200, 100, 50))
    assert pixels(encoded(image, format, icc_profile=BROKEN[name])) == pixels(encoded(image, format))
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


def test_no_byte_of_a_profile_can_be_so_wrong_as_to_fail(encoded, pixels, capfd):
    chance = random.Random(5)
    image = Image.new("RGB", (2, 2), (200, 100, 50))
    for _ in range(150):
        data = bytearray(P3)
        for _ in range(chance.randrange(1, 5)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        assert len(pixels(encoded(image, "PNG", icc_profile=bytes(data)))) == 4
    assert capfd.readouterr() == ("", "")
