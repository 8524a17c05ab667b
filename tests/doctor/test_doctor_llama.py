"""What the doctor says of llama.cpps that cannot be loaded, die, hang, or were built for another processor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vlmcli.doctor import asking, build, patient
from vlmcli.doctor.asking import Known, ask_box
from vlmcli.doctor.box import answers
from vlmcli.doctor.features import features_of_processor, lacking, processor_name, unused
from vlmcli.machine import Gpu
from vlmcli.machine.llama_package import FOR_THIS_PROCESSOR

Run = Callable[..., Any]
Broken = Callable[[str], None]
ALL_OF_LLAMA = ("llama_cpp", "processor", "devices", "box")


@pytest.mark.parametrize(
    ("code", "said", "fix"),
    [
        (
            "raise ImportError('libggml.so: cannot open shared object file')",
            "llama-cpp-python cannot be loaded: libggml.so: cannot open shared object file",
            "Install it again: pip install --force-reinstall",
        ),
        ("os.kill(os.getpid(), signal.SIGILL)", "it died (SIGILL): it was built for another processor", "--no-binary"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "it died (SIGSEGV)", build.REINSTALL),
        ("os.abort()", "it died (SIGABRT)", build.REINSTALL),
        ("print('x', file=sys.stderr); os._exit(3)", "it died (exit code 3: x)", build.REINSTALL),
        ("print('garbage', flush=True); os._exit(0)", "it died (exit code 0", build.REINSTALL),
    ],
)
def test_a_build_that_cannot_be_loaded(examine: Run, llama_cpp_that: Broken, code: str, said: str, fix: str) -> None:
    """One problem with its remedy; what follows from it is not said again."""
    llama_cpp_that(code)
    result = examine(*ALL_OF_LLAMA)
    assert result.code == 1
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"problem  llama.cpp: {said}")
    assert fix in lines[1]
    assert lines[2:] == ["", "1 problem."]
    assert result.stderr == ""


def test_a_build_that_hangs(examine: Run, llama_cpp_that: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    llama_cpp_that("time.sleep(60)")
    monkeypatch.setattr(patient, "LIMIT_S", 1.5)
    result = examine("llama_cpp")
    assert result.code == 1
    assert result.stdout.startswith("problem  llama.cpp: it did not answer in time\n         pip install --force-rei")


def test_other_libraries_are_named(examine: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LLAMA_CPP_LIB_PATH", str(tmp_path))  # nothing is there
    result = examine("llama_cpp")
    assert result.code == 1
    assert "cannot be loaded" in result.stdout
    assert result.stdout.splitlines()[1].strip() == "unset LLAMA_CPP_LIB_PATH"
    assert str(tmp_path) not in examine("llama_cpp", options=("--json",)).stdout


# --- the processor ------------------------------------------------------------------------------------------

X86 = """processor\t: 0
model name\t: Some Processor @ 3 GHz
flags\t\t: fpu sse sse2 avx avx2 fma f16c bmi2 avx512f avx512_vnni
"""
ALL_ON = "CPU : SSE3 = 1 | AVX = 1 | AVX2 = 1 | F16C = 1 | FMA = 1 | BMI2 = 1 | AVX512 = 1 | OPENMP = 1 | REPACK = 1"


@pytest.fixture
def cpuinfo(tmp_path: Path) -> Path:
    path = tmp_path / "cpuinfo"
    path.write_text(X86)
    return path


def test_what_the_build_leaves_unused(cpuinfo: Path) -> None:
    has = features_of_processor(cpuinfo)
    assert processor_name(cpuinfo) == "Some Processor @ 3 GHz"
    assert unused(ALL_ON, has) == []
    assert unused("CPU : SSE3 = 1 | AVX = 1 | AVX512_VNNI = 1", has) == ["AVX2", "FMA", "F16C", "AVX512"]
    assert unused(ALL_ON.replace("AVX512 = 1", "AVX512 = 0"), has) == ["AVX512"]


def test_what_the_build_needs_and_the_processor_has_not(cpuinfo: Path) -> None:
    has = features_of_processor(cpuinfo)
    assert lacking(ALL_ON, has) == []
    assert lacking(f"{ALL_ON} | AMX_INT8 = 1 | AVX512_BF16 = 1", has) == ["AVX512_BF16", "AMX_INT8"]


def test_a_system_that_does_not_tell(tmp_path: Path) -> None:
    assert features_of_processor(tmp_path / "none") == frozenset()
    assert processor_name(tmp_path / "none")


class _Patient(patient.Patient):
    """Says what a build says that is not on this machine."""

    features = ALL_ON

    def build(self) -> dict[str, Any]:
        device = {
            "name": "CUDA0",
            "description": "GPU",
            "is_gpu": True,
            "is_integrated": False,
            "free_bytes": 7 * 10**9,
            "total_bytes": 8 * 10**9,
        }
        return {"version": "1", "backends": ["CPU", "CUDA"], "features": self.features, "devices": [device]}

    def ask(self, report: str, *arguments: str) -> dict[str, Any]:
        assert (report, arguments) == ("box", ("CUDA0",))
        return {"asked": 5, "wrong": ["'blue' in place of yellow"], "encode_ms": 1.0, "tokens_per_second": 1.0}


def test_a_build_for_a_lesser_processor_is_a_warning(monkeypatch: pytest.MonkeyPatch, cpuinfo: Path) -> None:
    monkeypatch.setattr(build, "features_of_processor", lambda: features_of_processor(cpuinfo))
    monkeypatch.setattr(build, "processor_name", lambda: processor_name(cpuinfo))
    slow = _Patient()
    slow.features = ALL_ON.replace("AVX512 = 1 | ", "").replace("AVX2 = 1 | ", "")
    (finding,) = build.processor(slow)
    assert (finding.level, finding.fix) == ("warning", FOR_THIS_PROCESSOR)
    assert finding.detail.startswith(
        "Some Processor @ 3 GHz has AVX2, AVX512, and this build of llama.cpp does not use"
    )
    deadly = _Patient()
    deadly.features = f"{ALL_ON} | AMX_INT8 = 1"
    (finding,) = build.processor(deadly)
    assert finding.level == "problem"
    assert "has no AMX_INT8" in finding.detail


# --- the model in the box -----------------------------------------------------------------------------------


def test_wrong_answers_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real model, of which something else is expected."""
    known = (Known("ask", ("shapes.png",), "What is the background?", ("green",)), asking.KNOWN[1])
    monkeypatch.setattr(asking, "KNOWN", known)
    report = ask_box("CPU")
    assert (report.asked, report.wrong) == (2, ("'The background is yellow.' in place of green",))
    assert report.encode_ms > 0
    assert report.tokens_per_second > 0


def test_a_device_that_computes_nonsense_is_a_problem() -> None:
    findings = list(answers(_Patient()))
    assert [(f.level, f.what) for f in findings] == [("problem", "model in the box on CUDA0")]
    assert findings[0].detail == "1 of 5 answers are wrong: 'blue' in place of yellow"
    assert "--gpu off" in findings[0].fix


def test_a_device_is_listed_with_its_memory() -> None:
    (finding,) = build.devices(_Patient())
    assert (finding.level, finding.what) == ("ok", "CUDA0")
    assert finding.detail.startswith("GPU, 8.0 GB of memory, 7.0 GB free")


class _Processor(_Patient):
    def build(self) -> dict[str, Any]:
        device = {"name": "CPU", "description": "Xeon", "is_gpu": False, "free_bytes": 1, "total_bytes": 2}
        return {**super().build(), "devices": [device]}


def test_a_gpu_that_the_build_cannot_use_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "find_gpus", lambda: (Gpu("Intel", is_integrated=True),))
    assert [finding.level for finding in build.devices(_Processor())] == ["ok"], "little is lost there"
    monkeypatch.setattr(build, "find_gpus", lambda: (Gpu("AMD", "Radeon"),))
    processor, gpu = build.devices(_Processor())
    assert processor.detail.startswith("Xeon, ")
    assert " thread" in processor.detail
    assert (gpu.level, gpu.detail) == (
        "warning",
        "this build of llama.cpp cannot use the AMD Radeon GPU of this machine",
    )
    assert gpu.fix.startswith('CMAKE_ARGS="-DGGML_HIP=on" pip install')
    assert [f.what for f in build.devices(_Patient())] == ["CUDA0"], "one is used already"


def test_a_device_is_used_alone() -> None:
    assert asking.settings_on("CPU").offload.gpu == "off"
    wish = asking.settings_on("CUDA1").offload
    assert (wish.gpu, wish.devices, wish.projector) == ("all", ("CUDA1",), True)
