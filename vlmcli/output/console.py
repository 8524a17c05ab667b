"""What terminals do differently: who understands escape codes, and how wide a line may be.

On Windows a console reads escape codes once it is told to (Windows 10 and later); one of old prints them as signs. And
there a line as wide as the window goes on to the next at once, not with the next sign, so that it would count as two.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import TextIO

_DUMB = ("dumb", "unknown")
_KNOWN_GOOD = ("WT_SESSION", "ANSICON", "TERM")
_READ_ESCAPES = 0x0004
"""ENABLE_VIRTUAL_TERMINAL_PROCESSING"""


def understands_escapes(
    environment: Mapping[str, str], windows: bool = False, enable: Callable[[], bool] = lambda: False
) -> bool:
    """Whether escape codes may be written to a terminal. `enable` asks a Windows console to read them."""
    if environment.get("TERM", "").lower() in _DUMB:
        return False
    if not windows or enable():
        return True
    return any(environment.get(name) for name in _KNOWN_GOOD) or environment.get("ConEmuANSI") == "ON"


def usable_columns(columns: int, windows: bool) -> int:
    """The widest line that stays one line."""
    return max(columns - 1, 1) if windows else columns


def is_windows() -> bool:
    return os.name == "nt"


def enable_escapes(stream: TextIO) -> bool:
    """Tell the Windows console behind a stream to read escape codes. False if it is none, or does not know how."""
    if sys.platform != "win32":
        return False
    import ctypes
    import msvcrt

    try:
        handle = msvcrt.get_osfhandle(stream.fileno())
        mode = ctypes.c_ulong()
        if not ctypes.windll.kernel32.GetConsoleMode(ctypes.c_void_p(handle), ctypes.byref(mode)):
            return False
        wanted = mode.value | _READ_ESCAPES
        return bool(ctypes.windll.kernel32.SetConsoleMode(ctypes.c_void_p(handle), wanted))
    except (OSError, ValueError, AttributeError):
        return False
