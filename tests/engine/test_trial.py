"""Trials of a build in a child process: whatever it dies of, what is found, kept, said and done then."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vlmcli.cache import Store
from vlmcli.engine import EngineSettings, remedies, safety, trial, verdicts
from vlmcli.engine.modes import Mode, TypeVerdict, Verdict
from vlmcli.engine.offload_wish import OffloadWish
from vlmcli.engine.safety import check_build, tell_once, types_to_try
from vlmcli.engine.trial import Order, Untried, try_types
from vlmcli.errors import EngineError

SETTINGS = EngineSettings()
FULL = Order(Mode.FULL, False, "")
Child = Callable[..., list[str]]


def never() -> bool:
    return False


@pytest.fixture(autouse=True)
def forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safety, "_unkept", {})


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Child:
    """`child("…")`: what the child's process does, as Python; it has `types`, `mode`, `gpu`, and `say(type, failure)`.

    Gives the list of the orders that children were started with, which grows.
    """
    begin = (
        "import json, os, signal, sys, time\n"
        "order = json.loads(sys.argv[1])\n"
        "types, mode, gpu = order['types'], order['mode'], order['gpu']\n"
        "def say(type, failure=''): print(json.dumps({'type': type, 'failure': failure}), flush=True)\n"
    )

    def make(body: str) -> list[str]:
        orders: list[str] = []

        def command(order: str) -> list[str]:
            orders.append(order)
            return [sys.executable, "-S", "-c", begin + body, order]

        monkeypatch.setattr(trial, "_command", command)
        return orders

    return make


# --- how a child ends ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGILL", "SIGABRT", "SIGBUS", "SIGFPE"])
def test_a_child_that_dies_of_a_signal(child: Child, name: str) -> None:
    child(f"os.kill(os.getpid(), signal.{name})")
    assert try_types(FULL, ["Q4_0"], never) == {"Q4_0": name}


@pytest.mark.parametrize(
    ("body", "how"),
    [
        ("os.abort()", "SIGABRT"),
        ("sys.exit(3)", "exit code 3"),
        ("pass", "exit code 0"),
        ("print('Hello')", trial._NONSENSE),
        ("print('[1, 2]')", trial._NONSENSE),
        ("say('Q8_0')", trial._NONSENSE),
        ("say('Q4_0', 7)", trial._NONSENSE),
        ("sys.stdout.buffer.write(b'\\xff\\n' * 9)", trial._NONSENSE),
        ("sys.stdout.write('x' * 10**6)", trial._NONSENSE),
        ("say('Q4_0', 'wrong answers')", "wrong answers"),
        ("say('Q4_0')\nos.abort()", ""),
    ],
)
def test_a_child_that_ends_otherwise(child: Child, body: str, how: str) -> None:
    child(body)
    assert try_types(FULL, ["Q4_0"], never) == {"Q4_0": how}


@pytest.mark.parametrize("body", ["time.sleep(600)", "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: pass"])
def test_a_child_that_hangs_is_killed(child: Child, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    monkeypatch.setattr(trial, "_SILENCE_S", 0.3)
    child(f"say('Q4_0')\n{body}")
    started = time.monotonic()
    assert try_types(FULL, ["Q4_0", "Q8_0"], never) == {"Q4_0": "", "Q8_0": "no answer in 0 seconds"}
    assert time.monotonic() - started < 30
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)  # nothing is left of it


def test_the_types_after_a_death_are_tried_too(child: Child) -> None:
    orders = child("for t in types:\n    if t == 'Q5_0': os.kill(os.getpid(), signal.SIGSEGV)\n    say(t)")
    assert try_types(FULL, ["Q4_0", "Q5_0", "Q8_0"], never) == {"Q4_0": "", "Q5_0": "SIGSEGV", "Q8_0": ""}
    assert [json.loads(order)["types"] for order in orders] == [["Q4_0", "Q5_0", "Q8_0"], ["Q8_0"]]


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_who_is_ended_from_outside_says_nothing_about_the_build(child: Child, name: str) -> None:
    child(f"signal.signal(signal.SIGINT, signal.SIG_DFL)\nos.kill(os.getpid(), signal.{name})")
    with pytest.raises(Untried, match=name):
        try_types(FULL, ["Q4_0"], never)
    assert check_build(frozenset({"Q4_0"}), SETTINGS).types[0].untried
    assert kept() == set()


def test_an_interrupt_ends_the_child_and_nothing_is_kept(child: Child) -> None:
    child("time.sleep(600)")
    asked = iter([False, True])
    with pytest.raises(KeyboardInterrupt):
        check_build(frozenset({"Q4_0"}), SETTINGS, lambda: next(asked))
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    assert kept() == set()


def test_no_process_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "_command", lambda order: ["/nowhere/python"])
    verdict = check_build(frozenset({"Q4_0"}), SETTINGS)
    assert verdict.mode is Mode.PLAIN
    assert "no other process can be started" in verdict.sentence
    assert verdict.remedy == ""


# --- what is found, and kept --------------------------------------------------------------------------------


def kept() -> set[str]:
    """Names of the verdicts on the disk, of all builds."""
    return {path.name for path in Path(os.environ["XDG_STATE_HOME"]).rglob("*") if path.is_file()}


FAILS_IN = "for t in types:\n    say(t, 'wrong answers' if mode in {} and t in {} else '')"


@pytest.mark.parametrize(
    ("failing", "expected"),
    [
        ([], Mode.FULL),
        (["full"], Mode.REPACKED),
        (["full", "repacked"], Mode.PLAIN),
        (["repacked"], Mode.FULL),
    ],
)
def test_the_mildest_mode_that_works(child: Child, failing: list[str], expected: Mode) -> None:
    orders = child(FAILS_IN.format(failing, ["Q4_0"]))
    verdict = check_build(frozenset({"Q4_0", "F32"}), SETTINGS)
    assert (verdict.mode, verdict.gpu, bool(verdict.sentence)) == (expected, True, expected is not Mode.FULL)
    started = len(orders)
    assert started == 1 + list(Mode).index(expected)
    assert check_build(frozenset({"Q4_0", "F16"}), SETTINGS) == verdict
    assert len(orders) == started, "a verdict is kept"


def test_a_model_of_several_types_runs_as_the_most_careful_of_them(child: Child) -> None:
    orders = child(FAILS_IN.format(["full"], ["Q4_K"]))
    assert check_build(frozenset({"Q6_K"}), SETTINGS).mode is Mode.FULL
    verdict = check_build(frozenset({"Q4_K", "Q6_K", "F32"}), SETTINGS)
    assert verdict.mode is Mode.REPACKED
    assert "Q4_K weights" in verdict.sentence
    assert [json.loads(order)["types"] for order in orders] == [["Q6_K"], ["Q4_K"], ["Q4_K"]]


def test_nothing_works(child: Child) -> None:
    orders = child("os.kill(os.getpid(), signal.SIGILL)")
    with pytest.raises(EngineError) as caught:
        check_build(frozenset({"Q8_0"}), SETTINGS)
    assert caught.value.sentence == (
        "This build of llama.cpp cannot compute with Q8_0 weights on this processor: SIGILL."
    )
    assert "pip install --force-reinstall --no-cache-dir --no-binary llama-cpp-python" in caught.value.hint
    with pytest.raises(EngineError):
        check_build(frozenset({"Q8_0"}), SETTINGS)
    assert len(orders) == len(Mode), "not tried again by this process"
    assert kept() == set(), "but by the next one"


def test_no_trial_without_quantized_weights(child: Child) -> None:
    orders = child("os.abort()")
    assert check_build(frozenset({"F16", "F32", "BF16", "I32"}), SETTINGS) == Verdict()
    assert check_build(frozenset({"Q4_0"}), EngineSettings(mode=Mode.PLAIN)) == Verdict(Mode.PLAIN)
    assert orders == []


def test_what_cannot_be_tried_is_tried_by_its_kind() -> None:
    assert types_to_try(frozenset({"IQ2_XXS", "F32", "IQ3_S", "NVFP4"})) == ("IQ3_S", "MXFP4")
    assert types_to_try(frozenset({"type 99"})) == ()


@pytest.fixture
def libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "libraries"
    folder.mkdir()
    (folder / "libllama.so").write_bytes(b"one")
    monkeypatch.setenv("LLAMA_CPP_LIB_PATH", str(folder))
    return folder


def test_another_build_processor_or_driver_is_tried_again(
    child: Child, libraries: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = child("for t in types: say(t)")

    def tried() -> bool:
        before = len(orders)
        check_build(frozenset({"Q4_0"}), SETTINGS)
        return len(orders) > before

    assert [tried(), tried()] == [True, False]
    (libraries / "libllama.so").write_bytes(b"another")
    assert [tried(), tried()] == [True, False]
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor : 0\nmodel name : A\ncpu MHz : 1\nflags : avx2\n\nprocessor : 1\nmodel name : B\n")
    monkeypatch.setattr(verdicts.processor, "__defaults__", (cpuinfo,))
    assert [tried(), tried()] == [True, False]
    cpuinfo.write_text("processor : 0\nmodel name : A\ncpu MHz : 2\nflags : avx2\n\nprocessor : 1\nmodel name : C\n")
    assert not tried(), "its speed of the moment changes nothing"
    cpuinfo.write_text("processor : 0\nmodel name : A\ncpu MHz : 2\nflags : avx2 amx_int8\n")
    assert [tried(), tried()] == [True, False]
    driver = tmp_path / "driver"
    driver.write_text("535.1")
    monkeypatch.setattr(verdicts, "_DRIVERS", (driver,))
    assert not tried(), "there is no GPU in this build"
    (libraries / "libggml-cuda.so").write_bytes(b"")
    assert [tried(), tried()] == [True, False]
    driver.write_text("550.2")
    assert [tried(), tried()] == [True, False]


def test_on_the_gpu(child: Child, libraries: Path) -> None:
    (libraries / "libggml-cuda.so").write_bytes(b"")
    orders = child("for t in types:\n    if gpu: os.abort()\n    say(t)")
    verdict = check_build(frozenset({"Q4_0"}), SETTINGS)
    assert (verdict.mode, verdict.gpu) == (Mode.FULL, False)
    assert verdict.sentence == (
        "This build of llama.cpp fails with Q4_0 weights on the GPU (SIGABRT): the processor is used."
    )
    assert [json.loads(order)["gpu"] for order in orders] == [False, True]
    assert check_build(frozenset({"Q4_0"}), EngineSettings(offload=OffloadWish("off"))).sentence == ""
    assert [json.loads(order)["gpu"] for order in orders] == [False, True, False], "who wants none needs no trial of it"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"type": "Q4_0"}', '{"type": "Q4_0", "mode": "fast", "failures": {}, "gpu_failure": ""}']
)
def test_a_verdict_that_cannot_be_read_was_not_kept(child: Child, text: str) -> None:
    orders = child("for t in types: say(t)")
    verdict = check_build(frozenset({"Q4_0"}), SETTINGS)
    (path,) = Path(os.environ["XDG_STATE_HOME"]).rglob("Q4_0.json")
    path.write_text(text)
    assert check_build(frozenset({"Q4_0"}), SETTINGS) == verdict
    assert len(orders) == 2


def test_no_place_to_keep_it(child: Child, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    orders = child("for t in types: say(t)")
    assert [check_build(frozenset({"Q4_0"}), SETTINGS).mode for _ in "12"] == [Mode.FULL] * 2
    assert len(orders) == 2


# --- what is said -------------------------------------------------------------------------------------------


def test_a_person_is_told_once_whatever_the_model(child: Child) -> None:
    child("for t in types:\n    if mode == 'full': os.kill(os.getpid(), signal.SIGSEGV)\n    say(t)")
    one, other = (check_build(frozenset({type}), SETTINGS) for type in ("Q4_0", "Q8_0"))
    assert tell_once(one, to_person=False)
    assert not tell_once(other, to_person=False)
    assert tell_once(other, to_person=True), "a log is not a person"
    assert not tell_once(one, to_person=True)
    assert one.sentence, "doctor says it each time"


@pytest.mark.parametrize(
    ("verdict", "clang", "command"),
    [
        (TypeVerdict("Q4_0", Mode.REPACKED, {Mode.FULL: "SIGSEGV"}), False, remedies.WITH_CLANG),
        (TypeVerdict("Q4_0", Mode.REPACKED, {Mode.FULL: "SIGSEGV"}), True, remedies.NEWEST),
        (TypeVerdict("Q4_0", None, dict.fromkeys(Mode, "SIGILL")), False, remedies.FOR_THIS_PROCESSOR),
        (TypeVerdict("Q4_0", Mode.FULL, gpu_failure="SIGSEGV"), False, remedies.NEWEST),
    ],
)
def test_the_remedy(verdict: TypeVerdict, clang: bool, command: str, libraries: Path) -> None:
    signed = b"\0clang version 19.1.7\0" if clang else b"\0GCC: (Debian 12.2.0-14) 12.2.0\0"
    (libraries / "libggml-cpu.so").write_bytes(signed)
    assert remedies.way_out([verdict]) == f"To have it at full speed: {command}"


# --- the command line ---------------------------------------------------------------------------------------


@pytest.fixture
def quantized_pair(tmp_path: Path) -> Callable[[str], list[str]]:
    """Options for the demo's decoder quantized as told, by its files."""
    from vlmcli import demo
    from vlmcli.engine.llama.trying import quantized

    def options(type: str) -> list[str]:
        path = quantized(type, tmp_path / "pair")
        return ["--model", str(path), "--mmproj", str(demo.PROJECTOR), "--family", "vicuna"]

    return options


def test_the_answer_is_right_and_the_remedy_is_said_once(
    vlm: Callable[..., Any], picture: str, child: Child, quantized_pair: Callable[[str], list[str]]
) -> None:
    child("for t in types:\n    if mode == 'full': os.kill(os.getpid(), signal.SIGSEGV)\n    say(t)")
    ask = ["ask", picture, "What colour is the background?", *quantized_pair("Q4_0")]
    quiet = vlm(*ask, "--quiet")
    assert (quiet.code, quiet.stderr) == (0, "")
    first, second = vlm(*ask), vlm(*ask)
    notes = [line for line in first.stderr.splitlines() if "build of llama.cpp" in line]
    assert notes == [
        "vlm: This build of llama.cpp fails with Q4_0 weights at full speed on this processor (SIGSEGV): a slower way "
        f"is taken. To have it at full speed: {remedies._command([TypeVerdict('Q4_0', None, {Mode.FULL: 'SIGSEGV'})])}"
    ]
    assert "build of llama.cpp" not in second.stderr
    assert all(result.code == 0 and "white" in result.stdout for result in (quiet, first, second))


def test_a_build_that_cannot_compute_is_refused(
    vlm: Callable[..., Any], picture: str, child: Child, quantized_pair: Callable[[str], list[str]]
) -> None:
    child("os.kill(os.getpid(), signal.SIGILL)")
    for quiet in ([], ["--quiet"]):
        result = vlm("ask", picture, "What is it?", *quantized_pair("Q5_0"), *quiet)
        assert (result.code, result.stdout) == (5, "")
        assert "cannot compute with Q5_0 weights on this processor: SIGILL" in result.stderr
        assert "Traceback" not in result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="finds the child in /proc")
def test_ctrl_c_during_a_trial(
    start_vlm: Callable[..., subprocess.Popen[bytes]], picture: str, quantized_pair: Callable[[str], list[str]]
) -> None:
    process = start_vlm("ask", picture, "What is it?", *quantized_pair("Q5_0"))
    number = wait_for_child(process.pid)
    os.kill(number, signal.SIGSTOP)  # so that it is at work as long as we like
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, b"Traceback" in said) == (130, False)
    if is_alive(number):  # the signal came while it was being started: then it leaves by itself
        os.kill(number, signal.SIGCONT)
    for _ in range(600):
        if not is_alive(number):
            break
        time.sleep(0.05)
    assert not is_alive(number)
    assert not {name for name in kept() if name.endswith(".json")}


def is_alive(number: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{number}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for_child(parent: int) -> int:
    path = Path(f"/proc/{parent}/task/{parent}/children")
    for _ in range(6000):
        for number in path.read_text().split():
            if b"engine.llama.trying" in Path(f"/proc/{number}/cmdline").read_bytes():
                return int(number)
        time.sleep(0.005)
    raise AssertionError("no trial was begun")


def test_two_at_a_time(
    start_vlm: Callable[..., subprocess.Popen[bytes]],
    picture: str,
    quantized_pair: Callable[[str], list[str]],
    tmp_path: Path,
) -> None:
    together = {"VLM_CACHE": "on", "VLM_CACHE_DIR": str(tmp_path / "cache")}
    ask = ("ask", picture, "What colour is the background?", *quantized_pair("Q5_0"))
    running = [start_vlm(*ask, env=together) for _ in "12"]
    said = [process.communicate(timeout=60)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert all(b"white" in out for out in said)
    (model,) = (tmp_path / "cache" / "models").iterdir()
    assert model.name.endswith("-Q5_0.gguf")
    Store(tmp_path / "cache", {}).clear()
    assert not model.exists()
