"""A reference to a picture -> its upright RGB pixels."""

from __future__ import annotations

import hashlib
from contextlib import suppress

from PIL import Image

from vlmcli.core import ImageRef, LoadedImage
from vlmcli.errors import NotAPicture, PictureDamaged, PictureError, PictureTooLarge
from vlmcli.images.formats import Format, Locked, sniff
from vlmcli.images.frames import seek_frame
from vlmcli.images.quiet import quiet
from vlmcli.images.rgb import orientation_of, to_rgb, upright
from vlmcli.images.seems import not_a_picture
from vlmcli.images.sources import read
from vlmcli.images.sources.memory import MemoryRef
from vlmcli.images.truncated import decoding, is_nothing, paint_grey
from vlmcli.images.wishes import NONE, Wish, WishedRef
from vlmcli.images.words import called, printable, quoted

MAX_PIXELS = 180_000_000
"""Larger pictures are refused before a pixel is decoded: three bytes a pixel, several times over while converting."""

MAX_PROGRESSIVE_PIXELS = 500_000_000
"""The same of a progressive JPEG, which is held whole (up to six bytes a pixel) whatever size it is decoded to."""

_SMALLER = "Make a smaller copy of it first, a few thousand pixels wide."
_AGAIN = "Copy or download it again."


def load(ref: ImageRef) -> LoadedImage:
    """The first frame of the picture, or the wished one, whatever its format and mode, upright, as 8-bit sRGB.

    Raises NotAPicture, PictureDamaged, PictureTooLarge, and what `sources.read` raises. Prints nothing.
    """
    plain, wish = (ref.inner, ref.wish) if isinstance(ref, WishedRef) else (ref, NONE)
    with quiet():
        try:
            if isinstance(plain, MemoryRef) and isinstance(plain.content, Image.Image):
                return _from_pil(ref, plain.content, wish)
            return _from_bytes(ref, read(plain), wish)
        except MemoryError as error:
            raise PictureTooLarge(f"{called(ref)} is too large for the memory that is free.", _SMALLER) from error


def of_pixels(name: str, image: Image.Image, format: str = "") -> LoadedImage:
    """An image of mode RGB as the noun that travels on."""
    width, height = image.size
    rgb = image.tobytes()
    digest = hashlib.sha256(f"vlm-rgb8 {width}x{height}\n".encode())
    digest.update(rgb)
    return LoadedImage(name, width, height, rgb, digest.hexdigest(), format)


def pixels_of(image: LoadedImage) -> Image.Image:
    """The same the other way: a copy of its pixels, to be drawn on."""
    return Image.frombytes("RGB", (image.width, image.height), image.rgb)


def _from_pil(ref: ImageRef, image: Image.Image, wish: Wish) -> LoadedImage:
    try:
        with decoding(truncated=False):
            return _pixels(ref, image, image.format or "", wish)
    except (PictureError, MemoryError):
        raise
    except Exception as error:  # an image that its owner opened and did not load yet may be damaged
        raise PictureDamaged(f"{called(ref)} cannot be decoded ({_said(error)}).", _AGAIN) from error


def _from_bytes(ref: ImageRef, data: bytes, wish: Wish) -> LoadedImage:
    format = sniff(data)
    if format is None:
        raise not_a_picture(ref, data)
    try:
        return _decoded(ref, format, data, wish)
    except PictureDamaged:
        if wish.allow_truncated:
            with suppress(PictureDamaged):
                return _decoded(ref, format, data, wish, truncated=True)
        raise


def _decoded(ref: ImageRef, format: Format, data: bytes, wish: Wish, truncated: bool = False) -> LoadedImage:
    try:
        with decoding(truncated):
            image = _open(ref, format, data)
            _draft(image)
            return _pixels(ref, image, image.format or format.name, wish, truncated)
    except (PictureError, MemoryError):
        raise
    except Image.DecompressionBombError as error:  # from within a plugin: a frame or tile larger than the picture
        raise PictureTooLarge(f"{called(ref)} is too large to be decoded ({_said(error)}).", _SMALLER) from error
    except Exception as error:  # Pillow's plugins raise about anything on damaged bytes
        raise _damaged(ref, format, data, error) from error


def _open(ref: ImageRef, format: Format, data: bytes) -> Image.Image:
    try:
        return format.open(data)
    except ImportError as error:
        if not format.extra:
            raise
        raise NotAPicture(
            f"{called(ref)} is a {format.thing}, and what reads those is not installed.",
            f"pip install 'vlmcli[{format.extra}]'",
        ) from error
    except Locked as error:
        raise NotAPicture(
            f"{called(ref)} is an encrypted {format.thing}, which opens with its password only.",
            f"Save a copy without one: qpdf --decrypt --password=… {quoted(ref.name)} open.pdf",
        ) from error


def _draft(image: Image.Image) -> None:
    """Let a JPEG that is too large be decoded at a half, a quarter or an eighth. No other format can."""
    width, height = image.size
    if image.info.get("progressive") and width * height > MAX_PROGRESSIVE_PIXELS:
        return
    scales = (scale for scale in (1, 2, 4, 8) if -(-width // scale) * -(-height // scale) <= MAX_PIXELS)
    scale = next(scales, 8)
    if scale > 1:
        image.draft(None, (width // scale, height // scale))


def _pixels(ref: ImageRef, image: Image.Image, format: str, wish: Wish, truncated: bool = False) -> LoadedImage:
    _check_size(ref, *image.size)
    if wish.frame is not None:
        seek_frame(ref, image, wish.frame)
        _check_size(ref, *image.size)  # pages differ
    if truncated:
        paint_grey(image)
    image.load()
    if truncated and is_nothing(image):
        raise PictureDamaged("Next to nothing of it is there.")  # the caller knows the better sentence
    orientation = orientation_of(image)
    return of_pixels(ref.name, upright(to_rgb(image), orientation), format)


def _check_size(ref: ImageRef, width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise PictureDamaged(f"{called(ref)} has no pixels: its size is {width} x {height}.", "Make it again.")
    if width * height > MAX_PIXELS:
        raise PictureTooLarge(
            f"{called(ref)} is too large: {width:,} x {height:,} pixels are {width * height / 1e6:,.0f} megapixels, "
            f"and the limit is {MAX_PIXELS // 10**6}.",
            _SMALLER,
        )


def _damaged(ref: ImageRef, format: Format, data: bytes, error: Exception) -> PictureDamaged:
    """What is known of the damage: that the end is missing, or else what Pillow says."""
    if _ends_early(format, data, error):
        what = f"it ends too early, after {len(data):,} bytes"
    else:
        what = f"it cannot be decoded ({_said(error)})"
    return PictureDamaged(f"{called(ref)} is a damaged {format.thing}: {what}.", _AGAIN)


def _said(error: Exception) -> str:
    return printable(str(error)).rstrip(".") or type(error).__name__


_LAST_BYTES = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}
_EARLY = (
    "truncated",
    "not enough",
    "unexpected end",
    "requires a buffer",
    "expected to read",
    "missing dimensions",
    "no more",
)


def _ends_early(format: Format, data: bytes, error: Exception) -> bool:
    if _LAST_BYTES.get(format.name, b"") not in data[-1024:]:
        return True
    if format.name == "WEBP":  # says its own length
        return len(data) < 8 + int.from_bytes(data[4:8], "little")
    said = str(error).lower()
    return isinstance(error, EOFError) or any(words in said for words in _EARLY)
