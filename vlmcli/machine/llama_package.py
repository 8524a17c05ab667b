"""Which llama-cpp-python vlm wants, and what to type to have it built anew."""

from __future__ import annotations

REQUIREMENT = "llama-cpp-python>=0.3.36,<0.4"
INSTALL = f"pip install '{REQUIREMENT}'"
_ANEW = "pip install --force-reinstall --no-cache-dir"
REINSTALL = f"{_ANEW} '{REQUIREMENT}'"
WITH_CLANG = f"CC=clang CXX=clang++ {REINSTALL}"
FOR_THIS_PROCESSOR = f"{_ANEW} --no-binary llama-cpp-python '{REQUIREMENT}'"
NEWEST = f"{_ANEW} --upgrade '{REQUIREMENT}'"
