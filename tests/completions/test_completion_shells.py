"""The scripts in real shells, and the files in completions/ against what the program makes."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vlmcli.cli.completion_scripts import SCRIPTS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "completions"
FILES = {"bash": "vlm.bash", "zsh": "_vlm", "fish": "vlm.fish"}


def shell(name: str, script: str, path: str, *options: str) -> list[str]:
    """What a shell prints when it runs `script`."""
    if not shutil.which(name):
        pytest.skip(f"{name} is not installed")
    environment = {**os.environ, "PATH": path, "SCRIPT": str(FOLDER / FILES[name])}
    ran = subprocess.run([name, *options, "-c", script], env=environment, capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout.splitlines()


BASH = """
source "$SCRIPT"
compopt() { echo "compopt $2"; }
complete -p vlm
COMP_WORDS=(%s); COMP_CWORD=%d
_vlm_completion vlm
printf '%%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(
    ("words", "at", "shown"),
    [
        ("vlm describe --style ca", 3, ["caption"]),
        ("vlm describe ''", 2, ["B.JPG", "a.png", "holiday/", "it's $(x) `y`.webp", "models/", "my photo.jpg"]),
    ],
)
def test_bash(program: str, files: Path, words: str, at: int, shown: list[str]) -> None:
    said, *lines = shell("bash", BASH % (words, at), program, "--norc")
    assert said == "complete -F _vlm_completion vlm"
    assert [line for line in lines if not line.startswith("compopt")] == shown
    assert ("compopt filenames" in lines) == (len(shown) > 1)


def test_bash_and_a_colon(program: str, files: Path) -> None:
    """Readline takes the colon for a border between words, so only what follows it is to be inserted."""
    script = BASH.replace("_vlm_completion vlm\n", "COMP_LINE='vlm pull smolvlm2-2.2b:q'\n_vlm_completion vlm\n", 1)
    lines = shell("bash", script % ("vlm pull smolvlm2-2.2b : q", 4), program, "--norc")
    assert lines[1:] == ["q4_k_m", "q8_0"]
    lines = shell("bash", script.replace(":q'", ":'") % ("vlm pull smolvlm2-2.2b :", 3), program, "--norc")
    assert lines[1:] == ["Q4_K_M", "Q8_0"]


def test_fish(program: str, files: Path) -> None:
    lines = shell(
        "fish", 'source "$SCRIPT"; complete -C "vlm describe my"; complete -C "vlm describe --style ca"', program
    )
    assert lines == ["my photo.jpg", "caption"]


ZSH = """
compdef() {}
compadd() { print -r -- "compadd $*" }
_describe() { print -r -- "describe $described" }
source "$SCRIPT"
words=(vlm describe %s); CURRENT=$#words
_vlm_completion
"""


def test_zsh(program: str, files: Path) -> None:
    assert shell("zsh", ZSH % "m", program, "-f") == ["compadd -S  -- models/", "compadd -- my photo.jpg"]
    assert shell("zsh", ZSH % "--sty", program, "-f") == [
        "describe --style:How: one or two sentences, a caption, at length, alt text, or tags."
    ]


@pytest.mark.parametrize("name", list(FILES))
def test_the_program_prints_the_file(
    name: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from vlmcli.cli import main

    monkeypatch.setenv("_VLM_COMPLETE", f"source_{name}")
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 0
    assert capfd.readouterr().out == (FOLDER / FILES[name]).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", list(FILES))
def test_typer_hands_out_the_same(name: str) -> None:
    """Behind --show-completion and --install-completion, whatever shell they are called in."""
    from typer._completion_shared import get_completion_script

    from vlmcli.cli.completion_scripts import teach_typer

    teach_typer()
    script = get_completion_script(prog_name="vlm", complete_var="_VLM_COMPLETE", shell=name)
    assert script == (FOLDER / FILES[name]).read_text(encoding="utf-8").strip()


def test_the_option_teaches_typer(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import shellingham

    from vlmcli.cli import main

    monkeypatch.setattr(shellingham, "detect_shell", lambda: ("bash", "/bin/bash"))
    with pytest.raises(SystemExit):
        main(["--show-completion"])
    assert capfd.readouterr().out == (FOLDER / "vlm.bash").read_text(encoding="utf-8")


def test_the_files_are_what_the_generator_writes() -> None:
    made = runpy.run_path(str(FOLDER / "generate.py"))["files"]()
    for name, content in made.items():
        same = (FOLDER / name).read_text(encoding="utf-8") == content
        assert same, f"completions/{name} is old; make it again: python completions/generate.py"
    assert set(made) == {*FILES.values(), "vlm.1"}


def test_the_manual_tells_of_every_command_and_option() -> None:
    import typer

    from vlmcli.cli.app import command_line

    text = (FOLDER / "vlm.1").read_text(encoding="ascii").replace("\\-", "-")
    root = typer.main.get_command(command_line())
    for name, command in root.commands.items():
        assert f"vlm {name}" in text
        for parameter in command.params:
            if getattr(parameter, "hidden", False):  # between processes of vlm, and not for people
                continue
            assert all(option in text for option in parameter.opts if option.startswith("--"))
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "ENVIRONMENT", "FILES", "EXIT STATUS"):
        assert f".SH {section}\n" in text


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_the_manual_renders_without_a_warning() -> None:
    command = ["groff", "-man", "-ww", "-Tutf8", str(FOLDER / "vlm.1")]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "vlm describe" in ran.stdout


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a user of bash."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("shellingham.detect_shell", lambda: ("bash", "/bin/bash"))
    return tmp_path


def test_installing_adds_one_line_to_a_start_file_of_any_bytes(vlm: Callable[..., Any], home: Path) -> None:
    (home / ".bashrc").write_bytes(b"alias caf\xe9=date")
    for _ in range(2):
        told = vlm("--install-completion")
        assert (told.code, told.stderr) == (0, "")
        assert told.stdout.startswith(f"bash completion installed in {home}/.bash_completions/vlm.sh\n")
    source = f"source '{home}/.bash_completions/vlm.sh'\n".encode()
    assert (home / ".bashrc").read_bytes() == b"alias caf\xe9=date\n" + source
    assert (home / ".bash_completions" / "vlm.sh").read_text() == SCRIPTS["bash"]


def test_installing_for_a_shell_by_name_is_refused(vlm: Callable[..., Any], home: Path) -> None:
    told = vlm("--install-completion", "tcsh")
    assert (told.code, told.stdout, list(home.iterdir())) == (2, "", [])
    assert told.stderr.startswith("vlm: --install-completion takes no 'tcsh': it is for the shell you are in.\n")


def test_installing_where_nothing_can_be_written(vlm: Callable[..., Any], home: Path) -> None:
    (home / ".bash_completions").write_text("mine")
    told = vlm("--install-completion")
    assert (told.code, told.stdout) == (7, "")
    assert told.stderr.startswith(f"vlm: Cannot write {home}/.bash_completions: file exists.\n")
    assert told.stderr.endswith("vlm --show-completion\n")
