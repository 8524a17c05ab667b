"""Pillow's TIFF plugin, with libtiff's own error messages off: it prints them to stderr, past Python."""

from __future__ import annotations

import ctypes
from contextlib import suppress

from PIL import TiffImagePlugin, _imaging

__all__ = ["TiffImagePlugin"]

# Looked up through Pillow's extension, which is linked with the libtiff in question. Where it is linked in (Windows)
# the names are not found and the messages stay.
with suppress(OSError, AttributeError):
    _extension = ctypes.CDLL(_imaging.__file__)
    for _setter in (_extension.TIFFSetErrorHandler, _extension.TIFFSetWarningHandler):
        _setter.argtypes, _setter.restype = [ctypes.c_void_p], ctypes.c_void_p
        _setter(None)
