"""The picture formats that are read, each known by its first bytes.

Pillow's own `Image.open` is not used to identify: it loads every plugin (22 to 60 ms), tries formats without a
signature on any bytes, hands PostScript to a Ghostscript, and refuses large pictures without saying their size.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module
from io import BytesIO

from PIL import Image, ImageFile


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of picture file: how it is known, and what reads it."""

    name: str
    """As Pillow names it."""
    plugin: str
    """The module that registers it with Pillow."""
    signature: re.Pattern[bytes]
    extra: str = ""
    """What `pip install 'vlmcli[…]'` needs to be told before the module can be imported."""

    @property
    def thing(self) -> str:
        return "PDF document" if self.name == "PDF" else f"{self.name} picture"

    def open(self, data: bytes) -> ImageFile.ImageFile:
        """The picture with its header read and its pixels not. Raises anything Pillow raises, and ImportError."""
        import_module(self.plugin)
        factory, _ = Image.OPEN[self.name]
        return factory(BytesIO(data), "")


class Locked(Exception):
    """A document that opens with its password only."""


def _format(name: str, plugin: str, signature: bytes, extra: str = "") -> Format:
    return Format(name, plugin, re.compile(signature, re.DOTALL), extra)


FORMATS = (
    _format("JPEG", "PIL.JpegImagePlugin", rb"\xff\xd8\xff"),
    _format("PNG", "PIL.PngImagePlugin", rb"\x89PNG\r\n\x1a\n"),
    _format("GIF", "PIL.GifImagePlugin", rb"GIF8[79]a"),
    _format("WEBP", "PIL.WebPImagePlugin", rb"RIFF....WEBP"),
    _format("TIFF", "vlmcli.images.tiff", rb"II\*\0|MM\0\*|II\+\0|MM\0\+"),
    # The size of the second header, because text may begin with "BM".
    _format("BMP", "PIL.BmpImagePlugin", rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0"),
    _format("PPM", "PIL.PpmImagePlugin", rb"P[1-6fF]\s+(#[^\n]*\s+)*-?\d"),
    # A file that is of several brands says so in a list after its first one.
    _format("AVIF", "PIL.AvifImagePlugin", rb"....ftyp(avi[fs]|(mif1|msf1).{4}(.{4}){0,8}?avi[fs])"),
    _format("HEIF", "vlmcli.images.heic", rb"....ftyp(hei[cxms]|hev[cxms]|mif1|msf1)", extra="heic"),
    _format("PDF", "vlmcli.images.pdf", rb"%PDF-", extra="pdf"),
    _format("JPEG2000", "PIL.Jpeg2KImagePlugin", rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  \r\n\x87\n"),
    _format("ICO", "PIL.IcoImagePlugin", rb"\0\0\x01\0[^\0]"),
    _format("ICNS", "PIL.IcnsImagePlugin", rb"icns"),
    _format("PSD", "PIL.PsdImagePlugin", rb"8BPS"),
    _format("QOI", "PIL.QoiImagePlugin", rb"qoif"),
    _format("DDS", "PIL.DdsImagePlugin", rb"DDS "),
    _format("SGI", "PIL.SgiImagePlugin", rb"\x01\xda[\0\x01][\x01\x02]"),
)


def sniff(data: bytes) -> Format | None:
    """The format that the bytes begin like, or None."""
    return next((f for f in FORMATS if f.signature.match(data)), None)


_LIBRARIES = {"JPEG": "jpg", "PNG": "zlib", "WEBP": "webp", "AVIF": "avif", "JPEG2000": "jpg_2000"}
"""What Pillow must have been built with, by its own names."""


def is_readable(form: Format) -> bool:
    """Whether pictures of this format can be read here."""
    from PIL import features

    try:
        import_module(form.plugin)
    except ImportError:
        return False
    return form.name not in _LIBRARIES or bool(features.check(_LIBRARIES[form.name]))
