"""The low-level bindings of llama-cpp-python, imported past its package `__init__`.

That `__init__` pulls in the high-level classes, numpy and jinja2: four times the start-up of the two modules used
here. A bare module stands in for the package while they are imported and is taken away again, so that somebody
else's `import llama_cpp` in the same process gets the real one.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import os
import sys
from types import ModuleType
from typing import Any

from vlmcli.errors import EngineError
from vlmcli.machine.llama_package import INSTALL, REINSTALL

os.environ.setdefault("GGML_NO_BACKTRACE", "1")


def _import_low_level() -> tuple[Any, Any]:
    if "llama_cpp" in sys.modules:
        return _import_both()
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or not spec.submodule_search_locations:
        raise EngineError("llama-cpp-python is not installed.", INSTALL)
    stand_in = ModuleType("llama_cpp")
    stand_in.__path__ = list(spec.submodule_search_locations)
    sys.modules["llama_cpp"] = stand_in
    try:
        return _import_both()
    finally:
        if sys.modules.get("llama_cpp") is stand_in:
            del sys.modules["llama_cpp"]


def _import_both() -> tuple[Any, Any]:
    return importlib.import_module("llama_cpp.llama_cpp"), importlib.import_module("llama_cpp.mtmd_cpp")


def _import_or_explain() -> tuple[Any, Any]:
    try:
        return _import_low_level()
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        raise EngineError(
            f"llama-cpp-python cannot be loaded: {str(error).splitlines()[0]}.",
            f"Install it again: {REINSTALL}",
        ) from error


llama, mtmd = _import_or_explain()


def find_function(name: str, result: Any, *arguments: Any) -> Any | None:
    """A function of ggml that the bindings do not wrap, or None where this build does not export it."""
    for library in (llama._lib, mtmd._libmtmd):
        if (found := getattr(library, name, None)) is not None:
            found.restype, found.argtypes = result, list(arguments)
            return found
    return None


def system_info() -> str:
    """The CPU features that this build of llama.cpp uses, as `AVX512 = 1 | AMX_INT8 = 1 | …`."""
    return str(llama.llama_print_system_info().decode("utf-8", "replace"))


Token = ctypes.c_int32
NULL: Any = None
