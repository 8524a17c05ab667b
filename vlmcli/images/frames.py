"""The frame of an animation, or the page of a document, that was asked for."""

from __future__ import annotations

from PIL import Image

from vlmcli.core import ImageRef
from vlmcli.errors import PictureError
from vlmcli.images.wishes import WishedRef
from vlmcli.images.words import called, lacks, quoted

_WITH_FRAMES = {"GIF", "PNG", "WEBP", "TIFF", "AVIF", "HEIF", "MPO", "PDF"}
"""Not PSD: what Pillow calls its frames are layers."""


def seek_frame(ref: ImageRef, image: Image.Image, frame: int) -> None:
    """Turn `image`, as it was opened, to `frame` (from 1). PictureError where it has fewer."""
    count = int(getattr(image, "n_frames", 1)) if image.format in _WITH_FRAMES else 1
    if frame > count:
        thing = "page" if image.format in ("TIFF", "PDF") else "frame"
        document = ref.inner if isinstance(ref, WishedRef) else ref
        first = "--frame 1" if document.name == ref.name else quoted(f"{document.name}#{thing}=1")
        raise PictureError(f"{called(document)} {lacks(count, thing, frame)}", f"Take one up to {count}: {first}")
    if frame > 1:
        image.seek(frame - 1)
