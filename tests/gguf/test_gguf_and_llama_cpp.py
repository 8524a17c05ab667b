"""llama.cpp's own reader has the last word: what ours lets pass, it reads, and it survives all that ours refuses not.

In a process of its own: a header that ended it would be a finding, not the end of the tests.
"""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gguf.mutations import Whole, mutant
from tests.gguf.test_gguf_mutations import starts  # noqa: F401 - a fixture
from vlmcli.errors import VlmError
from vlmcli.gguf import read_header

_READ_EACH = """
import ctypes, sys

class Params(ctypes.Structure):
    _fields_ = [("no_alloc", ctypes.c_bool), ("ctx", ctypes.c_void_p)]

library = ctypes.CDLL(sys.argv[1])
library.gguf_init_from_file.restype = ctypes.c_void_p
library.gguf_init_from_file.argtypes = [ctypes.c_char_p, Params]
library.gguf_free.argtypes = [ctypes.c_void_p]
for path in sys.argv[2:]:
    context = library.gguf_init_from_file(path.encode(), Params(True, None))
    print("read" if context else "refused", flush=True)
    if context:
        library.gguf_free(context)
"""


def ggml_base() -> Path:
    spec = importlib.util.find_spec("llama_cpp")
    assert spec is not None
    assert spec.origin is not None
    found = sorted((Path(spec.origin).parent / "lib").glob("*ggml-base.*"))
    if not found:
        pytest.skip("llama.cpp was built without a library of its own for ggml")
    return found[0]


def write_mutants(starts: list[Whole], folder: Path, count: int) -> list[Path]:  # noqa: F811
    """Those that our reader lets pass, each a file as long as it was said to be."""
    chance, passed = random.Random(3), []
    for number in range(count):
        data, size_bytes = mutant(chance.choice(starts), chance)
        path = folder / f"{number}.gguf"
        with path.open("wb") as file:
            file.write(data)
            file.truncate(size_bytes)
        try:
            header = read_header(path)
        except VlmError:
            path.unlink()
            continue
        if not any(name.startswith("type ") for name in header.weight_types):  # newer than this llama.cpp
            passed.append(path)
    return passed


def test_llama_cpp_reads_what_our_reader_lets_pass(tmp_path: Path, starts: list[Whole]) -> None:  # noqa: F811
    passed = write_mutants(starts, tmp_path, 600)
    assert len(passed) > 20
    command = [sys.executable, "-c", _READ_EACH, str(ggml_base()), *map(str, passed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    verdicts = done.stdout.split()
    assert done.returncode == 0, f"{passed[len(verdicts)]} ended it: {done.stderr[-500:]}"
    refused = [path for path, verdict in zip(passed, verdicts, strict=True) if verdict != "read"]
    assert not refused, done.stderr[-2000:]
