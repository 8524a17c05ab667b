"""Any mode of Pillow's as 8-bit RGB, and upright.

Pillow's own `convert` is right for most modes; here is what it gets wrong or refuses: it clips deep greys instead of
scaling them, drops transparency onto whatever colour lies under it, and does not know LAB.
"""

from __future__ import annotations

import math
from array import array

from PIL import Image

from vlmcli.images.profiles import to_srgb

_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BITS_PER_SAMPLE, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339
_WHITE_IS_ZERO, _SIGNED = 0, 2


def to_rgb(image: Image.Image) -> Image.Image:
    """`image`, loaded, as mode RGB in sRGB, of the same size; what is transparent lies over white."""
    if image.mode.startswith("I") or image.mode == "F":
        image = _grey(image)
    image = _from_lab(image) if image.mode == "LAB" else to_srgb(image)
    if _is_transparent(image):
        image = _over_white(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def upright(image: Image.Image, orientation: object) -> Image.Image:
    """`image` turned as the EXIF value 1 to 8 asks; any other value turns nothing."""
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def orientation_of(image: Image.Image) -> object:
    """The EXIF orientation, 1 where there is none or it cannot be read. To be asked after the pixels are loaded."""
    try:
        return image.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged EXIF raises about anything, and the pixels are good without it
        return 1


def _is_transparent(image: Image.Image) -> bool:
    key = image.info.get("transparency")
    if image.mode == "RGB" and isinstance(key, tuple) and max(key) > 255:
        return False  # the transparent colour of a 16-bit PNG, which Pillow gives with 8-bit pixels
    return image.has_transparency_data


def _over_white(image: Image.Image) -> Image.Image:
    rgba = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(rgba, mask=rgba)
    return white


def _from_lab(image: Image.Image) -> Image.Image:
    from PIL import ImageCms

    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.applyTransform(image, ImageCms.buildTransform(lab, srgb, "LAB", "RGB"))
    assert converted is not None  # None only in place
    return converted


def _grey(image: Image.Image) -> Image.Image:
    """Mode I, I;16 or F as mode L: the range of its values becomes 0 to 255, rounded."""
    deep = image if image.mode in ("I", "F") else image.convert("I")
    low, high = _value_range(image, deep)
    if _tag(image, _PHOTOMETRIC) == _WHITE_IS_ZERO:
        low, high = high, low
    scale = 255 / ((high - low) or 1)
    shift = 0.5 - low * scale  # the half rounds, as the conversion to 8 bits cuts off
    return deep.point(lambda value: value * scale + shift).convert("L")


def _value_range(image: Image.Image, deep: Image.Image) -> tuple[float, float]:
    """What is black and what is white. Known from the file up to 16 bits, else guessed from the values there are."""
    bits = _depth(image)
    if bits is not None:
        return 0, 2**bits - 1
    low, high = _extrema(deep)
    for top in (1, 255, 65535) if image.mode == "F" else (255, 65535):
        if low >= 0 and high <= top:
            return 0, top
    return low, high


def _depth(image: Image.Image) -> int | None:
    """Bits of an unsigned sample in the file; None where it has more than 16 of them, a sign or a point."""
    bits = _tag(image, _BITS_PER_SAMPLE)
    if bits is not None:
        return int(bits) if bits <= 16 and _tag(image, _SAMPLE_FORMAT) != _SIGNED else None
    return 16 if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")) else None


def _tag(image: Image.Image, tag: int) -> int | None:
    """A tag of a TIFF file, its first value."""
    value = getattr(image, "tag_v2", {}).get(tag)
    if isinstance(value, tuple):
        value = value[0] if value else None
    return value if isinstance(value, int) else None


def _extrema(image: Image.Image) -> tuple[float, float]:
    """The least and greatest value of mode I or F; infinities and NaN do not count."""
    low, high = (float(v) for v in image.getextrema() if not isinstance(v, tuple))
    if math.isfinite(low) and math.isfinite(high):
        return low, high
    finite = [v for v in array("f", image.tobytes()) if math.isfinite(v)]
    return (min(finite), max(finite)) if finite else (0.0, 1.0)
