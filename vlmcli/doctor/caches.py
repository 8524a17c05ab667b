"""Folders that vlm writes to: whether it can, what is in them, how much room there is."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from vlmcli.doctor.findings import Finding
from vlmcli.doctor.patient import Patient
from vlmcli.output.sizes import show_size

_LITTLE_BYTES = 1_000_000_000
_A_MODEL_BYTES = 5_000_000_000
"""What `vlm pull llava` fetches, with enough memory for it."""
_ELSEWHERE = "export VLM_CACHE_DIR=/a/folder/with/room"


def cache(patient: Patient) -> Iterator[Finding]:
    """What is kept so that no picture is computed twice. Without it answers take longer, and are the same."""
    from vlmcli.cache import Store, find_cache_dir, find_limits, is_off

    root, limits = find_cache_dir(), find_limits()
    if is_off():
        fix = "unset VLM_CACHE" if os.environ.get("VLM_CACHE") else "vlm cache on"
        yield Finding("ok", "cache", f"off; to use it: {fix}")
        return
    if root is None:
        yield Finding("warning", "cache", "there is no home folder for it: nothing is kept", _ELSEWHERE)
        return
    private = (str(root),)
    if reason := cannot_write(root):
        detail = f"{root} cannot be written: {reason}. Every picture is computed anew"
        yield Finding("warning", "cache", detail, _ELSEWHERE, private)
        return
    limit_bytes, free_bytes = sum(limits.values()), _free(root)
    used_bytes = sum(usage.size_bytes for usage in Store(root, limits).usage())
    detail = f"{show_size(used_bytes)} of at most {show_size(limit_bytes)} in {root}{_and_free(free_bytes)}"
    if free_bytes is not None and free_bytes < min(_LITTLE_BYTES, max(limit_bytes - used_bytes, 0)):
        yield Finding(
            "warning", "cache", detail, "vlm cache clear --older-than 7d\nexport VLM_CACHE_LIMIT=500M", private
        )
    else:
        yield Finding("ok", "cache", detail, private=private)


def model_folder(patient: Patient) -> Iterator[Finding]:
    """The Hub's cache, which other programs share: room for one more model, and what unfinished pulls left."""
    from vlmcli.models.hub import cache_dir, partials

    root = cache_dir()
    private, elsewhere = (str(root),), "export HF_HOME=/a/folder/with/room"
    if reason := cannot_write(root):
        detail = f"{root} cannot be written: {reason}. No model can be fetched"
        yield Finding("problem", "model folder", detail, elsewhere, private)
        return
    free_bytes = _free(root)
    detail = f"{root}{_and_free(free_bytes)}"
    if free_bytes is not None and free_bytes < _A_MODEL_BYTES:
        fix = f"vlm models prune\nvlm models rm MODEL\n{elsewhere}"
        yield Finding("warning", "model folder", f"{detail}: too little for most models", fix, private)
    else:
        yield Finding("ok", "model folder", detail, private=private)
    if left := list(partials()):
        size = show_size(sum(leftover.size_bytes for leftover in left))
        count = "one unfinished download" if len(left) == 1 else f"{len(left)} unfinished downloads"
        fix = "The same vlm pull goes on with it\nvlm models prune"
        yield Finding("warning", "model folder", f"{count}, {size}", fix)


def cannot_write(folder: Path) -> str:
    """Why nothing can be written there; "" when it can. Nothing is left behind, and no folder is made."""
    place = folder
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    if not place.is_dir():
        return "it is no folder" if place == folder else f"{place} is no folder"
    try:
        with tempfile.TemporaryFile(dir=place, prefix=".vlm-doctor-") as file:
            file.write(b"vlm")
            file.flush()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _free(folder: Path) -> int | None:
    from vlmcli.models.hub.space import free_at

    return free_at(folder)


def _and_free(free_bytes: int | None) -> str:
    return "" if free_bytes is None else f", {show_size(free_bytes)} free on that disk"
