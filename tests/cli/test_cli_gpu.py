"""The options about processor and GPU, as people meet them on a machine that has no GPU, or has one in vain."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vlmcli import Vlm, demo
from vlmcli.cli import work
from vlmcli.cli.options import Common
from vlmcli.engine.llama import opening
from vlmcli.engine.offload import host_bytes
from vlmcli.engine.placement import OffloadPlan
from vlmcli.errors import GpuNotToBeHad, UsageError
from vlmcli.gguf import read_header
from vlmcli.machine import Gpu

Run = Callable[..., Any]
NVIDIA = Gpu("NVIDIA", "NVIDIA H200")


@pytest.fixture
def no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vlmcli.engine.offload_choice.find_gpus", lambda: ())


@pytest.mark.parametrize(
    "options",
    [
        ["--gpu", "auto"],
        ["--gpu", "off"],
        ["--device", "CPU"],
        ["--device", "cpu", "--no-projector-gpu"],
        ["--threads", "2", "--threads-batch", "1"],
        ["--kv-type", "q8_0"],
        ["--no-memory-check"],
    ],
)
def test_the_answer_is_the_same(ask_demo: Run, options: list[str]) -> None:
    plain, other = ask_demo(max_tokens=16), ask_demo(*options, max_tokens=16)
    assert other.code == 0
    assert other.stdout == plain.stdout == "There is one shape.\n"
    assert other.stderr == ""


@pytest.mark.usefixtures("no_gpus")
@pytest.mark.parametrize(
    ("options", "code", "words", "hint"),
    [
        (["--gpu", "all"], 5, "--gpu all cannot be had: no GPU is to be seen on this machine.", "--gpu auto"),
        (["--gpu", "7"], 5, "--gpu 7 cannot be had", "--gpu auto"),
        (["--projector-gpu"], 5, "--projector-gpu cannot be had", "--gpu auto"),
        (["--gpu", "some"], 2, "--gpu is auto, off, all or a number of layers, and not 'some'.", "--gpu auto"),
        (["--device", "CUDA0"], 2, "llama.cpp has no device 'CUDA0' here; it has CPU.", "--device CPU"),
        (["--device", "CPU,"], 2, "--device 'CPU,' lacks a name.", "--device CUDA0,CUDA1"),
        (["--device", "CPU", "--gpu", "all"], 5, "--device names none", "--gpu off"),
        (["--tensor-split", "x"], 2, "--tensor-split 'x' is not a share for each GPU.", "3,1"),
    ],
)
def test_what_cannot_be_had(ask_demo: Run, options: list[str], code: int, words: str, hint: str) -> None:
    result = ask_demo(*options)
    assert result.code == code
    assert result.stdout == ""
    assert words in result.stderr
    assert hint in result.stderr
    assert "Traceback" not in result.stderr


def test_a_gpu_that_the_build_cannot_use_comes_with_what_to_type(
    ask_demo: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vlmcli.engine.offload_choice.find_gpus", lambda: (NVIDIA,))
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/nvcc")
    result = ask_demo("--gpu", "all")
    assert result.code == 5
    assert "this build of llama.cpp cannot use the NVIDIA H200 GPU of this machine." in result.stderr
    assert 'CMAKE_ARGS="-DGGML_CUDA=on" pip install --force-reinstall' in result.stderr


def test_it_is_said_once_to_a_person(ask_demo: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vlmcli.cli.gpu_hint.find_gpus", lambda: (NVIDIA,))
    assert "NVIDIA" not in ask_demo().stderr, "a script is told nothing"
    monkeypatch.setattr("vlmcli.cli.gpu_hint.is_terminal", lambda stream: True)
    assert "NVIDIA" not in ask_demo("--quiet").stderr
    assert "NVIDIA" not in ask_demo("--gpu", "off").stderr, "who says that knows"
    first = ask_demo().stderr
    assert "vlm: this build of llama.cpp cannot use the NVIDIA H200 GPU of this machine, and computes with" in first
    assert "llama-cpp-python" in first
    assert "NVIDIA" not in ask_demo().stderr
    monkeypatch.setattr("vlmcli.cli.gpu_hint.find_gpus", lambda: (NVIDIA, NVIDIA))
    assert "NVIDIA" in ask_demo().stderr, "another machine, so to say"
    monkeypatch.setattr("vlmcli.cli.gpu_hint.find_gpus", lambda: (Gpu("Intel", is_integrated=True),))
    assert "Intel" not in ask_demo().stderr


def test_where_it_cannot_be_kept_it_is_said_and_nothing_fails(
    ask_demo: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("vlmcli.cli.gpu_hint.find_gpus", lambda: (NVIDIA,))
    monkeypatch.setattr("vlmcli.cli.gpu_hint.is_terminal", lambda stream: True)
    (tmp_path / "a file").touch()
    monkeypatch.setattr("vlmcli.cli.gpu_hint.state_path", (tmp_path / "a file").joinpath)
    assert ["NVIDIA" in ask_demo().stderr for _ in range(2)] == [True, True]


def test_a_model_that_does_not_fit_is_refused_with_numbers(ask_demo: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "free_memory_bytes", lambda: 12 << 20)
    result = ask_demo()
    assert result.code == 5
    assert "The model needs " in result.stderr
    assert "vlm models" in result.stderr
    assert ask_demo("--no-memory-check").code == 0


def test_less_memory_is_said_and_the_answer_comes(ask_demo: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    real = opening.plan_offload

    def noted(sizes: Any, *more: Any, **options: Any) -> Any:
        opened.append(sizes)
        return real(sizes, *more, **options)

    monkeypatch.setattr(opening, "plan_offload", noted)
    assert ask_demo().code == 0
    whole = sum(opened[0].units) + opened[0].rest_bytes + opened[0].compute_bytes + opened[0].projector_bytes
    monkeypatch.setattr(opening, "free_memory_bytes", lambda: whole + 1024 * sum(opened[0].kv_units))
    result = ask_demo(max_tokens=16)
    assert (result.code, result.stdout) == (0, "There is one shape.\n")
    assert result.stderr.startswith("vlm: Memory is short: the KV is stored in 8 bits (q8_0).\n")
    assert ask_demo("--quiet").stderr == ""


def test_a_setting_for_good(vlm: Run, ask_demo: Run) -> None:
    assert vlm("config", "set", "gpu", "off").code == 0
    assert vlm("config", "set", "projector_gpu", "false").code == 0
    assert vlm("config", "set", "kv_type", "q8_0").code == 0
    assert vlm("config", "set", "kv_type", "q2").code == 2
    assert ask_demo().code == 0
    assert ask_demo("--gpu", "all", "--device", "CPU").code == 5, "an option wins"


def test_a_variable(ask_demo: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLM_GPU", "nonsense")
    assert ask_demo().code == 2
    monkeypatch.setenv("VLM_GPU", "off")
    assert ask_demo().code == 0


@pytest.mark.usefixtures("no_gpus")
def test_a_folder_job_says_why_it_cannot(vlm_process: Run, picture: str, tmp_path: Path) -> None:
    result = vlm_process("describe", picture, "-o", "out.jsonl", "--model", "demo", "--gpu", "all", "--device", "CPU")
    assert result.code == 5
    assert "--device names none" in result.stderr
    command = ["describe", picture, "-o", "out.jsonl", "--model", "demo", "--gpu", "off"]
    done = vlm_process(*command, "--kv-type", "q8_0")
    assert done.code == 0, done.stderr
    assert json.loads((tmp_path / "out.jsonl").read_text())["error"] is None
    other = vlm_process(*command)
    assert other.code != 0, "answers computed otherwise do not go into one file"
    assert "kv_type" in other.stderr


@pytest.mark.usefixtures("no_gpus")
def test_from_python(picture: str) -> None:
    with Vlm("demo", gpu=0, kv_type="q8_0", threads_batch=1) as vlm:
        assert vlm.ask(picture, "How many shapes are there?").text == "There is one shape."
    with pytest.raises(UsageError):
        Vlm("demo", gpu="some")
    with Vlm("demo", gpu=3) as vlm, pytest.raises(GpuNotToBeHad):
        print(vlm.ask(picture, "How many shapes are there?"))


@pytest.fixture
def short_of_memory() -> int:
    """Bytes of free memory with which the model in the box has room for its context in eight bits only."""
    tokens = min(read_header(demo.DECODER).number("{arch}.context_length"), 4096)
    sizes = opening._sizes(read_header(demo.DECODER), read_header(demo.PROJECTOR), tokens)
    return host_bytes(sizes, OffloadPlan(context_tokens=tokens)) - 1


def test_answers_of_such_a_run_are_not_kept_for_others(
    ask_demo: Run, monkeypatch: pytest.MonkeyPatch, short_of_memory: int
) -> None:
    monkeypatch.setenv("VLM_CACHE", "on")
    free = opening.free_memory_bytes
    monkeypatch.setattr(opening, "free_memory_bytes", lambda: short_of_memory)
    assert ["Memory is short" in ask_demo().stderr for _ in range(2)] == [True, True], "computed both times"
    monkeypatch.setattr(opening, "free_memory_bytes", free)
    assert json.loads(ask_demo("--format", "json").stdout)["cached"] is False
    assert json.loads(ask_demo("--format", "json").stdout)["cached"] is True


def test_a_folder_job_hears_it_from_its_engine(
    vlm_process: Run, picture: str, tmp_path: Path, short_of_memory: int
) -> None:
    patch = f"import vlmcli.machine.memory as memory\nmemory._available_bytes = lambda root: {short_of_memory}\n"
    (tmp_path / "patched").mkdir()
    (tmp_path / "patched" / "sitecustomize.py").write_text(patch)
    root = Path(opening.__file__).parents[3]
    env = {"PYTHONPATH": f"{tmp_path / 'patched'}{os.pathsep}{root}"}
    result = vlm_process("describe", picture, "-o", "out.jsonl", "--model", "demo", env=env)
    assert result.code == 0
    assert result.stderr.count("vlm: Memory is short: the KV is stored in 8 bits (q8_0).") == 1
    quiet = vlm_process("describe", picture, "-o", "other.jsonl", "--model", "demo", "--quiet", env=env)
    assert "Memory" not in quiet.stderr


def test_where_a_server_answers_this_machines_gpu_is_not_spoken_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("vlmcli.cli.gpu_hint.find_gpus", lambda: (NVIDIA,))
    monkeypatch.setattr("vlmcli.cli.gpu_hint.is_terminal", lambda stream: True)
    with Vlm("demo") as vlm:
        work._warn(vlm, Common(engine="http://127.0.0.1:9"), "ask")
        assert "NVIDIA" not in capsys.readouterr().err
        work._warn(vlm, Common(engine="llama"), "ask")
        assert "NVIDIA" in capsys.readouterr().err
