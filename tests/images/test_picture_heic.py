"""HEIC, with pillow-heif and without it."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from io import BytesIO

import pytest
from PIL import Image

from vlmcli import images
from vlmcli.errors import NotAPicture
from vlmcli.images.formats import sniff

PHONE = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
with_heif = pytest.mark.skipif(find_spec("pillow_heif") is None, reason="pillow-heif is an extra")


def test_without_pillow_heif_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.delitem(sys.modules, "vlmcli.images.heic", raising=False)
    (tmp_path / "phone.heic").write_bytes(PHONE)
    with pytest.raises(NotAPicture) as caught:
        images.load(images.resolve(tmp_path / "phone.heic"))
    assert caught.value.sentence == f"{tmp_path}/phone.heic is a HEIF picture, and what reads those is not installed."
    assert caught.value.hint == "pip install 'vlmcli[heic]'"


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIF"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIF"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "AVIF"),
        (b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", "AVIF"),
        (b"\0\0\0\x18ftypavis\0\0\0\0avis", "AVIF"),
    ],
)
def test_brands(start, name):
    assert sniff(start + bytes(100)).name == name


@with_heif
def test_the_pixels_of_a_heic():
    import pillow_heif

    picture = Image.new("RGB", (64, 48), (200, 30, 30))
    picture.paste((30, 30, 200), (32, 0, 64, 48))
    file = BytesIO()
    pillow_heif.from_pillow(picture).save(file, quality=95)
    loaded = images.load(images.resolve(file.getvalue()))
    assert (loaded.width, loaded.height, loaded.format) == (64, 48, "HEIF")
    left, right = loaded.rgb[:3], loaded.rgb[-3:]
    assert (left[0] > 180, left[2] < 60, right[0] < 60, right[2] > 180) == (True,) * 4


@with_heif
def test_orientation_is_applied_once():
    from pillow_heif import register_heif_opener

    register_heif_opener()
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.new("RGB", (64, 32), (250, 0, 0))
    picture.paste((0, 0, 250), (32, 0, 64, 32))
    file = BytesIO()
    picture.save(file, "HEIF", exif=exif.tobytes(), quality=95)
    loaded = images.load(images.resolve(file.getvalue()))
    assert (loaded.width, loaded.height) == (32, 64)
    assert loaded.rgb[0] > 200, "the left of the file is the top of the picture"
