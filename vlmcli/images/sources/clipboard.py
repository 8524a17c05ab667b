"""The picture in the clipboard, named `clipboard:`. It is taken at once, before something else is copied."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from vlmcli.core import ImageRef
from vlmcli.errors import PictureNotFound, PictureUnreadable
from vlmcli.images.sources import file
from vlmcli.images.sources.memory import SOURCE as MEMORY
from vlmcli.images.sources.memory import MemoryRef
from vlmcli.images.sources.source import Source
from vlmcli.images.wishes import Wish
from vlmcli.images.words import printable, quoted

if TYPE_CHECKING:
    from PIL.Image import Image

NAME = "clipboard:"


def _matches(argument: object) -> bool:
    return isinstance(argument, str) and argument.lower() == NAME


def _resolve(argument: str, wish: Wish) -> ImageRef:
    content = _grab()
    if content is None:
        raise PictureNotFound("There is no picture in the clipboard.", "Copy one first, or name a file.")
    if not isinstance(content, list):
        return MemoryRef(NAME, "memory", content=content)
    if len(content) != 1:
        raise PictureNotFound(f"The clipboard holds {len(content)} files, not a picture.", "Name the files.")
    return file.SOURCE.resolve(content[0], wish)


def _grab() -> Image | list[str] | None:
    from PIL import ImageGrab

    from vlmcli.images.quiet import quiet

    try:
        with quiet():
            return ImageGrab.grabclipboard()
    except NotImplementedError as error:
        raise _without_tool() from error
    except Exception as error:  # whatever xclip, wl-paste or what they hand over brings about
        raise PictureUnreadable(f"The clipboard cannot be read ({printable(str(error))}).", _SAVE) from error


_SAVE = "Save the picture as a file and name that."


def _without_tool() -> PictureUnreadable:
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return PictureUnreadable("There is no clipboard here: this shell has no display.", _SAVE)
    tool = "wl-clipboard" if os.environ.get("WAYLAND_DISPLAY") else "xclip"
    return PictureUnreadable(
        f"The clipboard cannot be read without {tool}, which is not installed.", f"sudo apt install {quoted(tool)}"
    )


SOURCE = Source("clipboard", _matches, _resolve, MEMORY.read)
