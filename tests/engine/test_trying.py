"""The real thing: the model in the box quantized on this machine, tried by this build, and where its weights lie."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from vlmcli import demo
from vlmcli.core import Family, ModelFiles
from vlmcli.engine import EngineSettings, remedies, safety
from vlmcli.engine.identity import identity_of
from vlmcli.engine.llama import logs, repack, trying
from vlmcli.engine.llama.abort import Abort
from vlmcli.engine.llama.bindings import system_info
from vlmcli.engine.llama.decoder import Decoder
from vlmcli.engine.llama.identity import identify
from vlmcli.engine.modes import Mode
from vlmcli.engine.offload_wish import OffloadWish
from vlmcli.engine.placement import OffloadPlan
from vlmcli.engine.safety import check_build
from vlmcli.engine.trial import Order, _command, try_types
from vlmcli.gguf import Tensor, read_header

CPUINFO = Path("/proc/cpuinfo")
HAS_AMX = "AMX_INT8 = 1" in system_info() and CPUINFO.exists() and "amx_int8" in CPUINFO.read_text()
HAS_REPACK = repack._find_buffer_type() is not None and "AVX2 = 1" in system_info()


@pytest.fixture(autouse=True)
def forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safety, "_unkept", {})


@pytest.mark.parametrize("type", ["Q5_0", "Q2_K"])
def test_a_type_that_works(type: str) -> None:
    verdict = check_build(frozenset({type, "F32"}), EngineSettings())
    assert (verdict.mode, verdict.sentence, verdict.types[0].type) == (Mode.FULL, "", type)


_QUICK = {"Q2_K", "Q4_0", "Q8_0", "MXFP4"}
"""The rest take seconds to quantize on a busy machine."""


@pytest.mark.parametrize(
    "type", [pytest.param(t, marks=() if t in _QUICK else pytest.mark.slow) for t in sorted(safety._TRIABLE)]
)
def test_every_type_is_right_as_it_lies_in_the_file(type: str, tmp_path: Path) -> None:
    """In this process: without extra layouts nothing of AMX is touched."""
    model = trying.quantized(type, tmp_path)
    assert type in read_header(model).weight_types
    assert trying._failure(model, EngineSettings(threads=1, mode=Mode.PLAIN)) == ""


@pytest.mark.skipif(not HAS_AMX, reason="this processor, or this build, has no AMX")
@pytest.mark.parametrize("type", ["Q4_0", "Q6_K"])
def test_amx(type: str) -> None:
    """A build by GCC 12 dies of it and must end up with repacked weights; clang's must end up with all."""
    verdict = check_build(frozenset({type}), EngineSettings())
    if remedies._is_made_by_clang():
        assert (verdict.mode, verdict.sentence) == (Mode.FULL, "")
    elif verdict.mode is not Mode.FULL:  # a GCC that does better is welcome
        assert verdict.mode is Mode.REPACKED
        assert verdict.types[0].failures == {Mode.FULL: "SIGSEGV"}
        assert verdict.remedy.endswith(remedies.WITH_CLANG)


def test_a_kernel_that_computes_nonsense(tmp_path: Path) -> None:
    """What such a kernel gives is what right ones give of weights that were shuffled."""
    model = trying.quantized("Q5_0", tmp_path)
    data = bytearray(model.read_bytes())
    header = read_header(model)
    size = header.weights_bytes
    data[-size:] = data[-size:][4096:] + data[-size:][:4096]
    model.write_bytes(data)
    settings = EngineSettings(threads=1, mode=Mode.PLAIN)
    failure = trying._failure(model, settings)
    assert failure == "wrong answers"
    assert try_types(Order(Mode.PLAIN, False, os.fspath(tmp_path)), ["Q5_0"], lambda: False) == {"Q5_0": failure}


def test_a_quantized_model_that_is_damaged_is_made_anew(tmp_path: Path) -> None:
    path = trying.quantized("Q5_0", tmp_path)
    whole = path.read_bytes()
    old, half = tmp_path / "0123-Q5_0.gguf", tmp_path / ".1-0123-Q5_0.gguf"
    for name in (old, half):
        name.write_bytes(b"")
    os.utime(half, (1, 1))
    path.write_bytes(whole[: len(whole) // 2])
    assert trying.quantized("Q5_0", tmp_path) == path
    assert path.read_bytes() == whole
    assert list(tmp_path.iterdir()) == [path]


def test_no_room_for_the_quantized_model(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = trying._try("Q5_0", tmp_path / "file" / "models", Mode.FULL, gpu=False)
    assert list(said) == ["untried"]


def test_a_trial_on_the_processor_touches_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even with the projector: a GPU that kills would speak against the processor."""
    tried: list[EngineSettings] = []
    monkeypatch.setattr(trying, "_failure", lambda model, settings: tried.append(settings) or "")
    for gpu in (False, True):
        assert trying._try("Q5_0", tmp_path, Mode.FULL, gpu) == {"failure": ""}
    assert [settings.offload for settings in tried] == [OffloadWish("off", projector=False), OffloadWish()]


def test_the_child_leaves_with_its_parent(tmp_path: Path) -> None:
    order = Order(Mode.PLAIN, False, os.fspath(tmp_path)).as_json(["Q5_0"] * 500)
    process = subprocess.Popen(_command(order), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdin
    assert json.loads(process.stdout.readline()) == {"type": "Q5_0", "failure": ""}
    process.stdin.close()
    assert process.wait(timeout=60) == 1
    assert process.stdout.read().count(b"\n") < 490
    process.stdout.close()


# --- where weights lie --------------------------------------------------------------------------------------


def buffers_of(model: Path, mode: Mode) -> dict[str, float]:
    """MiB in each kind of buffer, as llama.cpp says it when it loads the model."""
    logs.install(verbose=False)
    decoder = Decoder(model, Abort(), mode, tensors=read_header(model).tensors)
    said = "".join(text for _level, text in logs._recent)
    decoder.close()
    return {name: float(size) for name, size in re.findall(r"(\S+) model buffer size = +([\d.]+) MiB", said)}


@pytest.mark.skipif(not HAS_REPACK, reason="this build, or this processor, has no repacked layouts")
def test_weights_are_in_repacked_buffers_and_in_no_other(tmp_path: Path) -> None:
    model = trying.quantized("Q4_0", tmp_path)
    matrices = [t for name, t in read_header(model).tensors.items() if repack._MATRIX.fullmatch(name)]
    expected = sum(tensor.size_bytes for tensor in matrices) / 2**20
    found = buffers_of(model, Mode.REPACKED)
    assert found["CPU_REPACK"] == pytest.approx(expected, abs=0.02)
    assert "AMX" not in found
    assert not {"CPU_REPACK", "AMX"} & set(buffers_of(model, Mode.PLAIN))
    if HAS_AMX:
        assert buffers_of(model, Mode.FULL)["AMX"] > 0  # loading crashes nowhere, only computing does


@pytest.mark.skipif(not HAS_REPACK, reason="this build, or this processor, has no repacked layouts")
@pytest.mark.parametrize("type", ["Q4_0", "Q5_1", "Q4_K"])
def test_answers_are_right_with_repacked_weights(type: str, tmp_path: Path) -> None:
    """Q5_1 has no repacked layout: ggml says so, and nothing is forced into it, which would crash."""
    model = trying.quantized(type, tmp_path)
    assert trying._failure(model, EngineSettings(threads=1, mode=Mode.REPACKED)) == ""
    assert ("CPU_REPACK" in buffers_of(model, Mode.REPACKED)) == (type != "Q5_1")


def test_patterns_name_matrices_and_nothing_else() -> None:
    layers = [f"blk.{layer}.attn_q.weight" for layer in (0, 1, 11)]
    patterns = [re.compile(pattern.decode()) for pattern in repack._patterns([*layers, "output.weight"])]
    assert len(patterns) == 2
    others = [
        "blk.10.attn_q.weight",
        "blk.1.attn_q.bias",
        "token_embd.weight",
        "output_norm.weight",
        "v.blk.0.attn_q.weight",
    ]
    matched = {name for name in [*layers, *others, "output.weight"] if any(p.search(name) for p in patterns)}
    assert matched == {*layers, "output.weight"}


@pytest.mark.skipif(not HAS_REPACK, reason="this build, or this processor, has no repacked layouts")
def test_only_what_ggml_takes_is_repacked() -> None:
    buffer_type = repack._find_buffer_type()
    assert buffer_type
    shapes = {"fits": (256, 512), "rows of no multiple": (256, 510)}
    tensors = {f"blk.{i}.ffn_up.weight": Tensor(shape, "Q4_0", 0) for i, shape in enumerate(shapes.values())}
    tensors |= {
        "blk.2.ffn_up.weight": Tensor((256, 512), "F16", 0),
        "blk.3.ffn_up.weight": Tensor((256, 8, 8), "Q4_0", 0),
    }
    tensors |= {
        "blk.4.ffn_up.weight": Tensor((256, 512), "type 99", 0),
        "token_embd.weight": Tensor((256, 512), "Q4_0", 0),
    }
    assert repack._repackable(tensors, buffer_type) == ["blk.0.ffn_up.weight"]


# --- keys ---------------------------------------------------------------------------------------------------


def test_answers_of_one_mode_are_not_those_of_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    files = ModelFiles("q", trying.quantized("Q4_0", tmp_path), demo.PROJECTOR, Family("demo"))
    assert len({identify(files, mode).decoder for mode in Mode}) == len(Mode)
    assert identify(files, Mode.FULL).rows != identify(files, Mode.FULL, OffloadPlan(projector="CUDA0")).rows
    assert len({identity_of(files, EngineSettings(mode=mode)) for mode in Mode}) == len(Mode)
    found = set()
    for mode in Mode:
        failing = list(Mode)[: list(Mode).index(mode)]
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / mode))
        monkeypatch.setattr(
            "vlmcli.engine.trial.try_types",
            lambda order, types, stop, failing=failing: dict.fromkeys(
                types, "SIGSEGV" if order.mode in failing else ""
            ),
        )
        found.add(identity_of(files, EngineSettings()))
    assert len(found) == len(Mode)
