"""What vlm remembers of its own runs, in the platform's folder for such things. Nothing waits for it or fails by it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from vlmcli.whole import replacing


def state_path(*names: str) -> Path:
    """Where `names` are kept. Raises RuntimeError for a user without a home."""
    from platformdirs import user_state_path

    return user_state_path("vlm", appauthor=False).joinpath(*names)


def keep(text: str, *names: str) -> None:
    """The file of that name with this text, whole or as it was."""
    with contextlib.suppress(OSError, RuntimeError):
        path = state_path(*names)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, sync=False) as file:
            file.write(text.encode())


def mark(*names: str) -> None:
    """An empty file of that name, touched now."""
    with contextlib.suppress(OSError, RuntimeError):
        path = state_path(*names)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
