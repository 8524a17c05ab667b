"""Where the store is, how large it may grow, and whether it is used at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from vlmcli.cache.store import LIMITS_BYTES, Store
from vlmcli.config import find_size_bytes
from vlmcli.errors import OutputError, UsageError


def open_store(environment: Mapping[str, str] = os.environ) -> Store | None:
    """The user's store; None when it is off or there is no place for it. Raises UsageError for senseless variables."""
    root, limits_bytes = find_cache_dir(environment), find_limits(environment)
    return None if root is None or is_off(environment) else Store(root, limits_bytes)


def find_cache_dir(environment: Mapping[str, str] = os.environ) -> Path | None:
    """VLM_CACHE_DIR, or `vlm` in the folder that the platform has for caches. None: the user has no home."""
    named = environment.get("VLM_CACHE_DIR")
    try:
        return Path(named).expanduser().absolute() if named else _platform_path("user_cache_path")
    except (OSError, RuntimeError):
        return None


def _platform_path(name: str) -> Path | None:
    import platformdirs

    path: Path = getattr(platformdirs, name)("vlm", appauthor=False)
    return path if path.is_absolute() else None  # older releases say "~/.cache" for nobody's home


# --- on and off ---------------------------------------------------------------------------------------------


def is_off(environment: Mapping[str, str] = os.environ) -> bool:
    """VLM_CACHE=off or on; without it, what `turn` was told last."""
    value = environment.get("VLM_CACHE", "").lower()
    if value in ("0", "off", "no", "false"):
        return True
    if value in ("1", "on", "yes", "true"):
        return False
    if value:
        raise UsageError(f"VLM_CACHE is {value!r}; it is on or off.", "export VLM_CACHE=off")
    path = _switch_path()
    return path is not None and os.path.exists(path)


def turn(on: bool) -> Path:
    """Use the store from now on, or do not: a file beside the settings says so. Raises OutputError."""
    path = _switch_path()
    if path is None:
        raise OutputError("There is no home folder to keep that in.", _FOR_ONE_SHELL[on])
    try:
        if on:
            path.unlink(missing_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("vlm keeps nothing on disk between runs while this file is here: vlm cache on\n")
    except OSError as error:
        raise OutputError(
            f"{path} cannot be {'removed' if on else 'written'}: {error.strerror or error}.",
            _FOR_ONE_SHELL[on],
        ) from None
    return path


_FOR_ONE_SHELL = ("For one shell: export VLM_CACHE=off", "For one shell: export VLM_CACHE=on")


def _switch_path() -> Path | None:
    # Not in the cache folder: who empties that by hand does not mean to turn the cache on again.
    try:
        folder = _platform_path("user_config_path")
    except (OSError, RuntimeError):
        return None
    return folder / "cache-off" if folder else None


# --- limits -------------------------------------------------------------------------------------------------


def find_limits(environment: Mapping[str, str] = os.environ) -> Mapping[str, int]:
    """Bytes for each kind. VLM_CACHE_LIMIT is for all of them together; each has the share that it has by default."""
    value = environment.get("VLM_CACHE_LIMIT", "")
    if not value:
        return LIMITS_BYTES
    total = sum(LIMITS_BYTES.values())
    return {kind: size * _bytes(value) // total for kind, size in LIMITS_BYTES.items()}


def _bytes(value: str) -> int:
    """Raises UsageError for what is no size."""
    size_bytes = find_size_bytes(value)
    if size_bytes is None:
        raise UsageError(f"VLM_CACHE_LIMIT is {value!r}, which is not a size.", "export VLM_CACHE_LIMIT=2G")
    return size_bytes
