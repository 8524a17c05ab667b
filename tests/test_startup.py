"""What a real process imports: nothing heavy for what needs no model, and no more than it takes for an answer."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {"llama_cpp", "numpy", "PIL", "huggingface_hub", "httpx", "requests", "yaml", "jinja2", "rich", "ctypes"}
FIRST_ROOMS = {"cli", "config", "errors", "whole"}
"""All that it takes to know the commands and their options."""
DRAWING = {"output", "core"}
_LINE = re.compile(r"^import time: +\d+ \| +\d+ \| +(\S+)$", re.MULTILINE)


def imported(stderr: str) -> set[str]:
    """Names of all modules, as `-X importtime` lists them."""
    found = set(_LINE.findall(stderr))
    assert "codecs" in found, stderr[-500:]
    return found


def rooms(modules: set[str]) -> set[str]:
    """The packages of vlm itself, and files beside them."""
    return {name.split(".")[1] for name in modules if name.startswith("vlmcli.")}


def heavy(modules: set[str]) -> set[str]:
    return {name for name in modules if name.partition(".")[0] in HEAVY}


@pytest.fixture
def modules_of(vlm_process: Callable[..., Any]) -> Callable[..., set[str]]:
    def run(*arguments: str, code: int = 0, **options: Any) -> set[str]:
        result = vlm_process(*arguments, python=["-X", "importtime"], **options)
        assert result.code == code, result.stderr[-500:]
        return imported(result.stderr)

    return run


@pytest.mark.parametrize(
    ("arguments", "more_rooms"),
    [(["--help"], DRAWING), (["ask", "-h"], DRAWING), (["--show-completion", "bash"], set[str]())],
)
def test_help_imports_nothing_heavy(
    modules_of: Callable[..., set[str]], arguments: list[str], more_rooms: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")  # there may be no shell above the tests
    modules = modules_of(*arguments)
    found = heavy(modules)
    assert {name for name in found if name.partition(".")[0] not in ("rich", "ctypes")} == set()  # help is drawn
    assert rooms(modules) <= FIRST_ROOMS | more_rooms


def test_version_does_not_even_draw(modules_of: Callable[..., set[str]]) -> None:
    modules = modules_of("--version")
    assert heavy(modules) == set()
    assert rooms(modules) <= FIRST_ROOMS


@pytest.mark.parametrize(
    ("shell", "words", "expected"),
    [
        ("bash", "vlm ", "describe"),
        ("bash", "vlm describe --style ca", "caption"),
        ("zsh", "vlm ask --mo", "--model"),
        ("fish", "vlm ask --mo", "--model"),
    ],
)
def test_completion_imports_nothing_heavy(
    start_vlm: Callable[..., subprocess.Popen[bytes]], shell: str, words: str, expected: str
) -> None:
    variables = {
        "_VLM_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
        "_TYPER_COMPLETE_ARGS": words,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    process = start_vlm(python=["-X", "importtime"], env=variables)
    out, err = process.communicate(timeout=60)
    assert expected in out.decode()
    modules = imported(err.decode())
    assert {name.partition(".")[0] for name in heavy(modules)} <= {"rich", "ctypes"}
    assert rooms(modules) & {"backend", "output"} == set()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["ask", "none.png", "What?", "--model", "demo"], 3),
        (["ask", "a.png", "What?"], 4),
        (["ask", "a.png", "", "--model", "demo"], 2),
        (["describe", "a.png", "--model", "none.gguf"], 4),
        (["describe", "a.png", "--model", "demo", "-o", "none/a.txt"], 7),
    ],
)
def test_a_mistake_is_told_before_anything_heavy(
    modules_of: Callable[..., set[str]], picture: str, arguments: list[str], code: int
) -> None:
    found = {name.partition(".")[0] for name in heavy(modules_of(*arguments, code=code))}
    assert found <= {"ctypes"}


def test_an_answer_imports_no_more_than_it_takes(modules_of: Callable[..., set[str]], picture: str) -> None:
    found = modules_of("ask", picture, "What?", "--model", "demo", "--max-tokens", "2")
    assert {name.partition(".")[0] for name in found} & {
        "numpy",
        "huggingface_hub",
        "httpx",
        "pydantic",
        "rich",
    } == set()
    assert "llama_cpp.llama_cpp" in found or "llama_cpp._ctypes_extensions" in found
    assert "llama_cpp.llama" not in found
    assert "PIL.Image" in found


def test_each_option_is_read_off_each_signature_once_or_twice() -> None:
    script = """
from collections import Counter
from vlmcli.cli import settings

usual, seen = settings._setting, []
settings._setting = lambda parameter: seen.append(parameter) or usual(parameter)
import vlmcli.cli.app
print(len(seen), max(Counter(map(id, seen)).values()), len(settings.commands_with_settings()))
"""
    calls, most, commands = map(int, run_python(script).split())
    assert calls > 100
    assert most <= 2 * commands


def run_python(script: str) -> str:
    command = [sys.executable, "-c", script]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout


def test_importing_the_package_imports_none_of_it() -> None:
    script = "import sys, vlmcli; print(*(name for name in sys.modules if name.startswith('vlmcli.')))"
    assert run_python(script).split() == []


def test_importing_the_package_costs_nothing() -> None:
    added = "import sys; before = set(sys.modules); import vlmcli; print(*sorted(set(sys.modules) - before))"
    assert set(run_python(added).split()) <= {"vlmcli", "__future__", "typing", "collections.abc"} | typing_needs()


def typing_needs() -> set[str]:
    script = "import sys; before = set(sys.modules); import typing; print(*sorted(set(sys.modules) - before))"
    return set(run_python(script).split())


def test_the_api_imports_no_command_line() -> None:
    found = run_python("import sys; from vlmcli import Vlm; Vlm('demo'); print(*sys.modules)").split()
    assert {name.partition(".")[0] for name in found} & (HEAVY | {"typer"}) <= {"ctypes"}
    assert "vlmcli.cli" not in found


def test_somebody_else_s_llama_cpp_is_the_real_one() -> None:
    """The bindings are imported past llama_cpp's own `__init__`, and leave no trace of that."""
    script = "import vlmcli.engine.llama.bindings as b, sys; print('llama_cpp' in sys.modules, b.llama.__name__)"
    assert run_python(script).split() == ["False", "llama_cpp.llama_cpp"]
