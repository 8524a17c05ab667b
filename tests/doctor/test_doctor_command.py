"""`vlm doctor` as people see it: the whole of it once, and its frame: what crashes, hangs, or is interrupted."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vlmcli import doctor
from vlmcli.doctor import Check, Finding, patient
from vlmcli.machine.llama_package import REQUIREMENT
from vlmcli.output.checklist import print_finding

Run = Callable[..., Any]
ROOT = Path(__file__).parents[2]


def test_all_is_well(vlm: Run) -> None:
    """The real build, in real children; the machine may have what deserves a warning, but no problem."""
    result = vlm("doctor")
    assert result.code == 0, result.stdout
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    expected = [
        r"ok       vlm: \d+\.\d+\.\d+, Python 3\.\d+\.\d+, \w+",
        r"ok       pictures: Pillow [\d.]+ reads JPEG, PNG, ",
        r"ok       huggingface-hub: \d+\.\d+",
        r"\w+ +llama\.cpp: .+ in llama-cpp-python 0\.3\.\d+, with CPU",
        r"\w+ +processor: ",
        r"ok       CPU: .+ of memory",
        r"ok       settings: none: everything is as it comes",
        r"ok       cache: off; to use it: unset VLM_CACHE",
        r"ok       model folder: .+ free on that disk",
        r"ok       models: none is here .+ vlm pull llava",
        r"ok       Hub: not asked: HF_HUB_OFFLINE is set",
        r"(ok|warning) +quantized weights: (computed right, at full speed|This build of llama.cpp fails)",
        r"ok       model in the box on CPU: 5 of 5 answers right, [\d,]+ tokens/s, a picture encoded in \d+ ms",
    ]
    for pattern in expected:
        assert any(re.match(pattern, line) for line in lines), f"{pattern}\n{result.stdout}"
    assert re.match(r"All is well\.|\d+ warnings?\.", lines[-1])
    assert "\x1b" not in result.stdout


def test_the_main_process_does_not_load_llama_cpp(vlm_process: Run) -> None:
    result = vlm_process("doctor", "--help", python=["-X", "importtime"])
    assert result.code == 0
    assert not re.search(r"\| +(llama_cpp|PIL|huggingface_hub|numpy)\b", result.stderr)
    script = "from vlmcli import doctor; import sys; print([m for m in sys.modules if m.startswith('llama_cpp')])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_json(examine: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLM_THREADS", "many")
    result = examine("vlm", "settings", "hub", options=("--json",))
    assert result.code == 1
    report = json.loads(result.stdout)
    assert {key: report[key] for key in ("schema", "well", "problems", "warnings")} == {
        "schema": 1,
        "well": False,
        "problems": 1,
        "warnings": 0,
    }
    assert [found["check"] for found in report["findings"]] == ["vlm", "settings", "hub"]
    assert report["findings"][1] == {
        "check": "settings",
        "level": "problem",
        "what": "settings",
        "detail": "VLM_THREADS is 'many', which is not a number.",
        "fix": ["export VLM_THREADS=4"],
    }
    assert all(set(found) == {"check", "level", "what", "detail", "fix"} for found in report["findings"])


# --- checks that misbehave ----------------------------------------------------------------------------------


def _crashes(_: Any) -> Iterator[Finding]:
    yield Finding("ok", "first", "still said")
    raise ZeroDivisionError("by zero\nsecond line")


def _hangs(_: Any) -> Iterator[Finding]:
    yield Finding("ok", "before", "still said")
    time.sleep(20)


def test_a_check_that_crashes_is_a_line(vlm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "CHECKS", (Check("odd", _crashes), Check("vlm", doctor.CHECKS[0].run)))
    result = vlm("doctor")
    assert result.code == 1
    lines = result.stdout.splitlines()
    assert lines[:3] == [
        "ok       first: still said",
        "problem  odd: this check itself failed: ZeroDivisionError: by zero",
        "         Please report it, with what this prints: vlm doctor --json",
    ]
    assert lines[3].startswith("ok       vlm: ")
    assert lines[-1] == "1 problem."
    assert result.stderr == ""


def test_a_check_that_hangs_is_a_line(vlm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient, "LIMIT_S", 0.5)
    monkeypatch.setattr(doctor, "CHECKS", (Check("dead_disk", _hangs), Check("vlm", doctor.CHECKS[0].run)))
    started = time.monotonic()
    result = vlm("doctor")
    assert time.monotonic() - started < 10
    assert result.code == 1
    assert "ok       before: still said\nproblem  dead disk: this check did not end within 0 s\n" in result.stdout
    assert "ok       vlm: " in result.stdout


def test_ctrl_c_leaves_no_child_behind(
    start_vlm: Callable[..., subprocess.Popen[bytes]], llama_cpp_that: Callable[[str], None], tmp_path: Path
) -> None:
    pid_file = tmp_path / "pid"
    llama_cpp_that(f"open({str(pid_file)!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)")
    path = f"{tmp_path / 'broken'}:{ROOT}"
    process = start_vlm("doctor", env={"PYTHONPATH": path})
    deadline = time.monotonic() + 30
    while not (pid_file.exists() and pid_file.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    child = int(pid_file.read_text())
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert b"ok       vlm: " in out
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline + 10:
        time.sleep(0.05)
    assert not Path(f"/proc/{child}").exists()


# --- how it looks -------------------------------------------------------------------------------------------


class _Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def _shown(monkeypatch: pytest.MonkeyPatch, columns: int, *finding: str) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(columns))
    stream = _Terminal()
    print_finding(*finding, stream=stream)
    return stream.getvalue().splitlines()


LONG = "cache: 1.2 GB of at most 8.3 GB in /home/me/.cache/vlm, 400 MB free on that disk"


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_lines_fit_and_commands_stay_whole(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    command = "pip install --force-reinstall --no-cache-dir --no-binary llama-cpp-python 'llama-cpp-python>=0.3.36'"
    plain = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in _shown(monkeypatch, columns, "warning", LONG, command)]
    assert plain.pop().strip() == command
    assert max(map(len, plain)) <= columns
    assert " ".join(" ".join(plain).split()) == f"warning {LONG}"
    assert len(plain) == {40: 4, 60: 2, 80: 2, 200: 1}[columns]


def test_colours_are_for_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _shown(monkeypatch, 80, "problem", "a: b")[0].startswith("\x1b[1;31mproblem\x1b[0m  a: b")
    monkeypatch.setenv("NO_COLOR", "1")
    assert _shown(monkeypatch, 80, "problem", "a: b") == ["problem  a: b"]


def test_a_hostile_name_does_not_reach_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in "".join(_shown(monkeypatch, 80, "ok", "model \x1b[2Jx: y", "rm \x1b]0;z\x07"))


def test_the_requirement_is_the_packages_own() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert REQUIREMENT in wanted
