"""What the environment says, as one frozen value."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from vlmcli.errors import UsageError


@dataclass(frozen=True, slots=True)
class Settings:
    """VLM_MODEL, VLM_THREADS and VLM_EXTRA_BUFFERS. An option on the command line wins over each."""

    model: str = ""
    threads: int = 0
    extra_buffers: bool | None = None
    """llama.cpp's repacked weights; None: by the processor and the weights."""


def load_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Raises UsageError for a variable that makes no sense."""
    return Settings(
        model=environment.get("VLM_MODEL", ""),
        threads=_number(environment, "VLM_THREADS"),
        extra_buffers=_switch(environment, "VLM_EXTRA_BUFFERS"),
    )


def _number(environment: Mapping[str, str], name: str) -> int:
    value = environment.get(name, "0") or "0"
    if not value.isdecimal():
        raise UsageError(f"{name} is {value!r}, which is not a number.", f"export {name}=4")
    return int(value)


def _switch(environment: Mapping[str, str], name: str) -> bool | None:
    value = environment.get(name, "").lower()
    if value in ("", "auto"):
        return None
    if value in ("1", "on", "yes", "true"):
        return True
    if value in ("0", "off", "no", "false"):
        return False
    raise UsageError(f"{name} is {value!r}; it is on, off or auto.", f"export {name}=auto")
