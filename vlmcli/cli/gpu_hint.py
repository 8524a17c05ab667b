"""A GPU that this machine has and this build of llama.cpp cannot use: said once, to a person."""

from __future__ import annotations

import contextlib
import sys

from vlmcli.errors import VlmError
from vlmcli.machine import Gpu, find_gpus, why_unused
from vlmcli.output import is_terminal, show_name
from vlmcli.output.streams import say
from vlmcli.state import mark, state_path


def say_unused_gpu() -> None:
    """Once for each build and set of GPUs, on a terminal only: nobody should find out by how slow it is.

    Graphics in the processor are not spoken of: that they are quicker is not sure.
    """
    if not is_terminal(sys.stderr):
        return
    gpus = tuple(gpu for gpu in find_gpus() if not gpu.is_integrated)
    if not gpus or _is_known(gpus) or _build_has_gpu():
        return
    why, hint = why_unused(gpus)
    say(f"vlm: {show_name(why)}, and computes with the processor.\n  {hint}")


def _is_known(gpus: tuple[Gpu, ...]) -> bool:
    """Whether it was looked at before. From now on it was, where that can be kept."""
    from vlmcli.cache import digest_of
    from vlmcli.engine.identity import build_identity

    with contextlib.suppress(OSError, RuntimeError):
        marker = ("gpus", digest_of(build_identity(), *map(repr, gpus))[:32])
        if state_path(*marker).exists():
            return True
        mark(*marker)
    return False


def _build_has_gpu() -> bool:
    from vlmcli.engine import list_devices

    try:
        return any(device.is_gpu for device in list_devices())
    except VlmError:
        return True  # it cannot be loaded at all, which will be said
