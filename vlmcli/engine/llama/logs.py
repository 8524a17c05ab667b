"""llama.cpp's log: kept, never shown unless asked for, and searched for the reason when something fails."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from collections import deque

from vlmcli.engine.llama.bindings import find_function, llama, mtmd
from vlmcli.errors import EXIT_ENGINE

_DEBUG, _ERROR, _CONTINUES = 1, 4, 5  # ggml.h, enum ggml_log_level
_PREFIX = re.compile(r"^(\w+: )?(error: |error loading model: )?")
_COMPUTE = re.compile(r"(\S+) compute buffer size = +([\d.]+) MiB")
_recent: deque[tuple[int, str]] = deque(maxlen=400)
_state = {"verbose": False, "level": 0, "installed": False}
_NO_ROOM = re.compile(r"alloc|out of memory|OutOfDeviceMemory", re.IGNORECASE)


def _receive(level: int, text: bytes | None, _user_data: object) -> None:
    """One piece of log. A piece of level CONT belongs to the line before and has that line's level."""
    if level != _CONTINUES:
        _state["level"] = level
    words = (text or b"").decode("utf-8", "replace")
    _recent.append((_state["level"], words))
    if _state["verbose"] and _state["level"] != _DEBUG:
        sys.stderr.write(words)
        sys.stderr.flush()


def _give_up(message: bytes) -> None:
    """ggml is about to abort the process: leave with a sentence and the documented exit code instead."""
    reason = message.decode("utf-8", "replace").strip().splitlines()[-1]
    os.write(2, f"vlm: llama.cpp stopped: {reason}\n  Try again with --verbose to see what led to it.\n".encode())
    os._exit(EXIT_ENGINE)


_callback = llama.llama_log_callback(_receive)
_abort_callback = ctypes.CFUNCTYPE(None, ctypes.c_char_p)(_give_up)


def install(verbose: bool) -> None:
    """Route every log of llama.cpp here. Safe to call again."""
    _state.update(verbose=verbose, installed=True)
    llama.llama_log_set(_callback, None)
    mtmd.mtmd_log_set(_callback, None)
    mtmd.mtmd_helper_log_set(_callback, None)
    set_abort = find_function("ggml_set_abort_callback", ctypes.c_void_p, ctypes.c_void_p)
    if set_abort is not None:
        set_abort(ctypes.cast(_abort_callback, ctypes.c_void_p))


def install_unless_done() -> None:
    """For who only asks something, and does not know whether the log is wanted."""
    if not _state["installed"]:
        install(verbose=False)


def forget() -> None:
    """Start afresh: what comes from now on belongs to the next thing that may fail."""
    _recent.clear()


def reason() -> str:
    """Why it failed: the first line of level ERROR since `forget`, without the function's name; empty if none."""
    lines = "".join(text for level, text in _recent if level == _ERROR).strip().splitlines()
    return _PREFIX.sub("", lines[0]).strip().rstrip(".") if lines else ""


def wants_memory() -> bool:
    """Whether what failed since `forget` failed for want of memory, on whatever device."""
    return any(level == _ERROR and _NO_ROOM.search(text) for level, text in _recent)


def compute_bytes() -> dict[str, int]:
    """Bytes of the buffers to compute in, by device, that a context since `forget` has made, or would have."""
    found = _COMPUTE.findall("".join(text for _, text in _recent))
    return {name: int(float(mib) * 2**20) for name, mib in found}
