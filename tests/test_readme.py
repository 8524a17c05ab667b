"""README tells the truth: each command that it shows is run, and its tables hold what the code holds."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from vlmcli import errors
from vlmcli.cli import _EXIT_CLOSED_PIPE
from vlmcli.core import PictureInfo, Record
from vlmcli.output.record_json import record_to_dict

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TIMES = re.compile(r'("(?:load|encode|prefill|first_token|decode|tokens_per_second)": )[\d.]+')


class Command(NamedTuple):
    """A line that begins with `$ ` and the lines under it, which it is to print. None: no output is shown."""

    line: str
    output: str | None


def commands_of(text: str) -> Iterator[Command]:
    for block in _BLOCK.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = part.split("\n")
            length = next(n for n, line in enumerate(lines, 1) if not line.endswith("\\"))
            output = "\n".join(lines[length:])
            yield Command("\n".join(lines[:length]), output if output.strip() else None)


def table_of(text: str, heading: str) -> list[list[str]]:
    """Rows of the table whose first column has this heading; the first cell of each without its backticks."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"| {heading} |"):
            break
    else:
        pytest.fail(f"README has no table of {heading}")
    next(lines)
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        first, *rest = (cell.strip() for cell in line.strip("|").split(" | "))
        rows.append([first.strip("`"), *rest])
    return rows


COMMANDS = list(commands_of(README.read_text(encoding="utf-8"))) if README.exists() else []


def test_it_is_there_and_shows_commands() -> None:
    assert README.exists()
    tasks = {words[1] for command in COMMANDS if (words := command.line.rpartition(" | ")[2].split())[0] == "vlm"}
    assert tasks >= {"describe", "ask", "compare", "ocr"}


def test_the_first_two_commands_are_the_install_and_the_tests() -> None:
    text = README.read_text(encoding="utf-8")
    first, second = re.findall(r"^```sh\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL)[:2]
    assert first == "pip install . && vlm describe vlmcli/demo/pictures/shapes.png --model demo"
    assert second == "pip install '.[test]' && pytest"


@pytest.mark.skipif(not (ROOT / ".ci").exists(), reason="a source package has no .ci")
def test_the_ci_script_runs_the_second() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert "pip install '.[test]'" in lines
    assert "pytest" in lines


def test_the_python_example_runs(draw: Callable[..., Path], tmp_path: Path) -> None:
    draw("a.png", "white", ["red circle center"])
    draw("b.png", "blue", ["red circle center"])
    draw("scan.tif", "white", [])
    example = re.search(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert example
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", example[1]]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=120)
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.strip()


@pytest.fixture
def path_with_vlm(tmp_path: Path) -> str:
    """A PATH on which `vlm` and `python` are the ones under test."""
    for name, arguments in {"vlm": "-m vlmcli ", "python": "", "python3": ""}.items():
        script = tmp_path / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments}"$@"\n')
        script.chmod(0o755)
    return f"{tmp_path}{os.pathsep}{os.environ['PATH']}"


def comparable(text: str) -> str:
    """Without what differs from run to run: times, and white space at the ends of lines."""
    lines = (line.rstrip() for line in _TIMES.sub(r"\g<1>0", text).splitlines())
    return "\n".join(lines).strip()


@pytest.mark.skipif(os.name != "posix", reason="README speaks to a POSIX shell")
@pytest.mark.parametrize("command", COMMANDS, ids=[command.line for command in COMMANDS])
def test_a_command_prints_what_is_shown(command: Command, path_with_vlm: str) -> None:
    environment = {**os.environ, "PATH": path_with_vlm, "PYTHONPATH": str(ROOT)}
    options = {"cwd": ROOT, "env": environment, "stdin": subprocess.DEVNULL, "timeout": 120}
    result = subprocess.run(["sh", "-c", command.line], capture_output=True, **options)
    out, err = result.stdout.decode(), result.stderr.decode()
    assert command.output is not None, "README shows no output"
    if result.returncode == 0:
        assert comparable(out) == comparable(command.output)
    else:
        assert comparable(out + err) == comparable(command.output)  # an error is shown as one


@pytest.mark.parametrize("command", COMMANDS, ids=[command.line for command in COMMANDS])
def test_a_command_leaves_nothing_behind(command: Command) -> None:
    """It is run in the repository, so it may not write there."""
    assert not re.search(r"(^|\s)(-o|--output)\s+(?!/|-)|(?<![&\d])>(?!&|\s*/dev)", command.line), command.line


def test_the_exit_codes_are_all_of_them() -> None:
    shown = [int(row[0]) for row in table_of(README.read_text(encoding="utf-8"), "exit code")]
    known = {value for name, value in vars(errors).items() if name.startswith("EXIT_")} | {_EXIT_CLOSED_PIPE}
    assert shown == sorted(known)


def test_every_error_has_one_of_these_codes() -> None:
    known = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    assert all(kind.exit_code in known for kind in classes if issubclass(kind, errors.VlmError))


RECORD = record_to_dict(Record((PictureInfo("a.png"),), "ask", "What?", "demo", error=errors.UsageError("No.", "Yes.")))


def test_the_fields_of_the_schema_are_all_of_them() -> None:
    rows = table_of(README.read_text(encoding="utf-8"), "field")
    assert [row[0] for row in rows] == list(RECORD)
    explained = {row[0]: row[1] for row in rows}
    for field in ("tokens", "timings_ms", "error"):
        for name in RECORD[field]:
            assert f"`{name}`" in explained[field]
    for name in RECORD["pictures"][0]:
        assert f"`{name}`" in explained["pictures"]


def test_every_reason_to_stop_is_explained() -> None:
    explained = {row[0]: row[1] for row in table_of(README.read_text(encoding="utf-8"), "field")}
    annotation = {field.name: field for field in dataclasses.fields(Record)}["stop_reason"]
    assert annotation.default is None
    for reason in ("end", "stop", "length", "context", "timeout", "repetition", "interrupted"):
        assert f"`{reason}`" in explained["stop_reason"]


# --- the reader itself --------------------------------------------------------------------------------------


def test_commands_and_their_output_are_found() -> None:
    text = "a\n```console\n$ vlm x\nout\n\nmore\n$ vlm y \\\n  z\n```\n```sh\n$ rm -r\n```\n"
    assert list(commands_of(text)) == [Command("vlm x", "out\n\nmore\n"), Command("vlm y \\\n  z", None)]


def test_times_do_not_matter_and_words_do() -> None:
    assert comparable('"load": 12.5,\n"text": "a" \n') == comparable('"load": 9,\n"text": "a"')
    assert comparable('"text": "a 1"') != comparable('"text": "a 2"')
