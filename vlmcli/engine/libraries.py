"""The libraries of llama.cpp as files: which they are tells one build from another, and none is loaded for it."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path


def libraries() -> list[str]:
    """llama.cpp as it was built: names, sizes and times of its libraries, which need not be loaded for that.

    Raises OSError.
    """
    with os.scandir(library_folder()) as items:
        found = [(item.name, item.stat()) for item in items if item.is_file()]
    return [f"{name} {status.st_size} {status.st_mtime_ns}" for name, status in sorted(found)]


def library_folder() -> Path:
    """Where the libraries are that the bindings load. Raises FileNotFoundError without llama-cpp-python."""
    named = os.environ.get("LLAMA_CPP_LIB_PATH")
    if named:
        return Path(named)
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("llama-cpp-python is not installed")
    return Path(*spec.submodule_search_locations) / "lib"
