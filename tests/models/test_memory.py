"""Memory by arithmetic, held against what llama.cpp says of a real load."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.tiny_gguf import write
from vlmcli import demo
from vlmcli.gguf import read_header
from vlmcli.models.memory import MemoryNeed, memory_expected, memory_needed

F16 = 1
_LOAD_LOUDLY = """
import sys
from vlmcli import demo
from vlmcli.engine.llama.bindings import llama, mtmd

model = llama.llama_model_load_from_file(str(demo.DECODER).encode(), llama.llama_model_default_params())
params = llama.llama_context_default_params()
params.n_ctx, params.n_batch, params.n_ubatch = 1000, 512, 512
context = llama.llama_init_from_model(model, params)
projector = mtmd.mtmd_init_from_file(str(demo.PROJECTOR).encode(), model, mtmd.mtmd_context_params_default())
sys.exit(not (context and projector))
"""


@pytest.fixture(scope="module")
def log() -> str:
    """What llama.cpp says while it opens the model in the box with a context of 1000 tokens."""
    done = subprocess.run([sys.executable, "-c", _LOAD_LOUDLY], capture_output=True, text=True, timeout=60, check=True)
    return done.stderr


@pytest.fixture(scope="module")
def need() -> MemoryNeed:
    return memory_needed(read_header(demo.DECODER), read_header(demo.PROJECTOR), 1000)


def mib(log: str, pattern: str) -> float:
    found = re.search(pattern + r"[\s=]*([\d.]+) MiB", log)
    assert found, pattern
    return float(found[1]) * 2**20


def test_kv_and_weights_are_what_llama_cpp_allocates(log: str, need: MemoryNeed) -> None:
    hundredth_of_mib = 2**20 / 100
    assert need.kv_bytes == pytest.approx(mib(log, r"llama_kv_cache: size"), abs=hundredth_of_mib)
    assert need.weights_bytes == pytest.approx(mib(log, r"print_info: file size"), abs=hundredth_of_mib)
    assert need.projector_bytes == pytest.approx(mib(log, r"hparams: model size:"), abs=hundredth_of_mib)


def test_buffers_are_an_upper_bound_and_no_wild_one(log: str, need: MemoryNeed) -> None:
    buffers = [float(size) * 2**20 for size in re.findall(r"compute buffer size\s*=\s*([\d.]+) MiB", log)]
    assert len(buffers) == 2
    assert sum(buffers) <= need.compute_bytes < 3 * sum(buffers)


def test_need_is_the_sum_of_its_parts(need: MemoryNeed) -> None:
    parts = (need.weights_bytes, need.projector_bytes, need.kv_bytes, need.compute_bytes)
    assert min(parts) > 0
    assert need.total_bytes == sum(parts)


def test_kv_of_eight_bits_is_half(need: MemoryNeed) -> None:
    half = memory_needed(read_header(demo.DECODER), read_header(demo.PROJECTOR), 1000, kv_bytes_per_element=1)
    assert half.kv_bytes * 2 == need.kv_bytes


def test_all_parts_of_a_split_model_are_weighed(tmp_path: Path) -> None:
    parts = [
        read_header(write(tmp_path / f"{n}.gguf", {"general.architecture": "llama"}, [("w", (64,), F16, bytes(128))]))
        for n in range(3)
    ]
    assert memory_needed(parts, read_header(demo.PROJECTOR), 512).weights_bytes == 3 * 128


def test_what_the_catalogue_expects_of_llava() -> None:
    """LLaVA 1.6 with Mistral 7B at 4 bits: 5.0 GB of files, 128 KiB of KV a token."""
    need = memory_expected(4_990_000_000, 32 * 8 * 128 * 2 * 2, 4096)
    assert need.kv_bytes == 4096 * 131072
    assert 5.9e9 < need.total_bytes < 6.3e9
