"""How large a picture a model sees, from its projector's header; nothing is opened for it."""

from __future__ import annotations

from dataclasses import replace

from vlmcli.core import Eyes, ModelFiles
from vlmcli.errors import VlmError
from vlmcli.gguf import LLAVA_PROJECTORS, Header, read_header

_ONE_SIZE = LLAVA_PROJECTORS | {"adapter", "gemma3"}
"""Projector types to which llama.cpp (tools/mtmd/clip.cpp) gives every picture, or every tile of it, at one size."""
_ANY_SIZE_PX = 1536
"""The others take pictures of nearly any size: letters of a page stay readable up to about this."""
_LINE_PATCHES = 1.3
"""The least height of a line in patches, where a family does not say: 18 pixels of a CLIP-L with 14."""


def eyes_of(files: ModelFiles) -> Eyes:
    """Raises nothing: a file that cannot be read here is complained about where it is opened."""
    reading = files.family.reading
    try:
        header = read_header(files.projector)
    except (VlmError, OSError):
        return Eyes(0, reading)
    patch = header.number("clip.vision.patch_size") or 14
    return Eyes(_side(header), reading if reading.line_px else replace(reading, line_px=round(_LINE_PATCHES * patch)))


def _side(header: Header) -> int:
    """The longer side in pixels at which a picture is seen, tiles together."""
    if header.projector_type not in _ONE_SIZE:
        return _ANY_SIZE_PX
    return max(map(min, header.tiled_sizes), default=header.number("clip.vision.image_size"))
