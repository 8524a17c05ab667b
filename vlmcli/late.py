"""Names that a package imports when they are first asked for (PEP 562)."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any


def import_late(package: str, homes: Mapping[str, str], name: str) -> Any:
    """What a package's `__getattr__` gives for `name`. `homes`: the module of each name, below the package."""
    if name not in homes:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    return getattr(import_module(f"{package}.{homes[name]}"), name)
