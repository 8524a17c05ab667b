"""Colours of an embedded ICC profile as sRGB, which is what models were trained on."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

_SPACES = {"RGB": "RGB ", "RGBA": "RGB ", "L": "GRAY", "LA": "GRAY", "CMYK": "CMYK"}


def to_srgb(image: Image.Image) -> Image.Image:
    """`image`, loaded, in sRGB where it carries a profile; as it is where the profile is broken, or of another mode.

    Never an error: the pixels without their profile are nearly right, and no picture is refused for it.
    """
    profile = image.info.get("icc_profile")
    if not isinstance(profile, bytes) or not profile:
        return image
    try:
        return _converted(image, profile)
    except Exception:  # lcms and Pillow raise about anything on a damaged profile
        return image


def _converted(image: Image.Image, data: bytes) -> Image.Image:
    from PIL import ImageCms  # 10 ms, and most pictures have no profile

    profile = ImageCms.ImageCmsProfile(BytesIO(data))
    if "sRGB" in ImageCms.getProfileDescription(profile):
        return image
    image = _direct(image)
    if _SPACES.get(image.mode) != profile.profile.xcolor_space:
        return image
    colours = image.convert("L") if image.mode == "LA" else image
    opaque = colours.convert("RGB") if colours.mode == "RGBA" else colours
    converted = ImageCms.profileToProfile(opaque, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert converted is not None  # None only in place
    if image.mode in ("LA", "RGBA"):
        converted.putalpha(image.getchannel("A"))
    return converted


def _direct(image: Image.Image) -> Image.Image:
    """Without a palette, and with transparency as a channel: a key colour would be another after the conversion."""
    if image.mode in ("P", "PA"):
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    key = image.info.get("transparency")
    if isinstance(key, tuple) and max(key) > 255:
        return image  # of a 16-bit PNG, which Pillow gives with 8-bit pixels: no pixel has it
    if key is not None and image.mode in ("L", "RGB"):
        return image.convert("LA" if image.mode == "L" else "RGBA")
    return image
