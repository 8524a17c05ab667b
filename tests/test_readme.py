"""README is true: each command shown is run, and what it shows is what is printed."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from vlmcli import errors
from vlmcli.core import PictureInfo, Record
from vlmcli.output.record_json import record_to_dict

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
_CONSOLE = re.findall(r"^```console\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
_VOLATILE = re.compile(r'("(?:load|encode|prefill|first_token|decode|tokens_per_second)": )[\d.]+')


def shown_commands() -> list[tuple[str, str]]:
    """(command line, what README shows below it) of all console blocks."""
    found = []
    for block in _CONSOLE:
        for entry in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = entry.partition("\n")
            found.append((command, output))
    return found


def run(command: str) -> subprocess.CompletedProcess[str]:
    """The command line as typed, `vlm` being this very checkout, with `|` as the shell has it."""
    given = None
    for part in command.split(" | "):
        words = shlex.split(part)
        argv = [sys.executable, "-m", "vlmcli", *words[1:]] if words[0] == "vlm" else words
        found = subprocess.run(argv, input=given, capture_output=True, text=True, cwd=ROOT, timeout=120)
        given = found.stdout
    return found


@pytest.mark.parametrize(("command", "output"), shown_commands(), ids=lambda text: text[:60])
def test_shown_command_prints_what_is_shown(command: str, output: str) -> None:
    found = run(command)
    assert found.returncode == 0, found.stderr
    assert output.strip(), "README shows no output"
    assert _VOLATILE.sub(r"\1N", found.stdout).rstrip() == _VOLATILE.sub(r"\1N", output).rstrip()


def test_there_are_commands_of_every_task() -> None:
    tasks = {shlex.split(command.split(" | ")[-1])[1] for command, _ in shown_commands()}
    assert tasks >= {"describe", "ask", "compare", "ocr"}


def test_exit_codes_are_all_there() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    codes = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    assert listed == codes | {141}


def test_schema_is_all_there() -> None:
    table = README[README.index("| field | what |") :]
    listed = re.findall(r"^\| `(\w+)` \|", table[: table.index("\n\n")], re.MULTILINE)
    assert listed == list(record_to_dict(Record((PictureInfo("a"),), "ask", "q", "m")))


def test_python_example_runs(tmp_path: Path) -> None:
    from PIL import Image

    for name in ("a.png", "b.png"):
        Image.new("RGB", (100, 100), "red").save(tmp_path / name)
    example = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert example
    found = subprocess.run(
        [sys.executable, "-c", example[1]], capture_output=True, text=True, cwd=tmp_path, timeout=60,
        env={"PYTHONPATH": str(ROOT), "VLM_CACHE": "off", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert found.returncode == 0, found.stderr


def test_first_two_commands_are_the_install_and_the_tests() -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert blocks[0].strip() == "pip install . && vlm describe vlmcli/demo/pictures/shapes.png --model demo"
    assert blocks[1].strip() == "pip install '.[test]' && pytest"
    assert blocks[1].strip().split(" && ")[0] in (ROOT / ".ci" / "run").read_text()
