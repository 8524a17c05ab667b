"""vlm starts at once: what a command does not need is not imported. Told by the interpreter itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"llama_cpp", "numpy", "PIL", "huggingface_hub", "jinja2", "httpx", "yaml", "requests"}


def imported(*arguments: str, **environment: str) -> set[str]:
    """Top-level names of all that `python -m vlmcli …` imports."""
    found = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "vlmcli", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=60,
    )
    assert found.returncode == 0, found.stderr[-500:]
    return {name.split(".")[0] for name in re.findall(r"^import time:.*\|\s*([\w.]+)$", found.stderr, re.MULTILINE)}


@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("ask", "--help"), ("--show-completion", "bash")])
def test_nothing_heavy_is_imported(arguments: tuple[str, ...]) -> None:
    names = imported(*arguments)
    assert "vlmcli" in names
    assert not names & HEAVY


def test_version_needs_no_rich() -> None:
    assert "rich" not in imported("--version")


def test_completion_needs_nothing_heavy() -> None:
    code = "import sys, vlmcli.cli; sys.exit(vlmcli.cli.main([]))"
    environment = {"_VLM_COMPLETE": "complete_bash", "COMP_WORDS": "vlm desc", "COMP_CWORD": "1"}
    found = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=60,
    )
    names = set(re.findall(r"\|\s*([\w]+)$", found.stderr, re.MULTILINE))
    assert "typer" in names
    assert not names & HEAVY


def test_importing_the_package_imports_none_of_it() -> None:
    code = "import sys, vlmcli; print([name for name in sys.modules if name.startswith('vlmcli.')])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert found.stdout.strip() == "[]"


def test_question_needs_neither_numpy_nor_the_hub(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (100, 100), "red").save(tmp_path / "a.png")
    names = imported("ask", str(tmp_path / "a.png"), "What is this?", "--model", "demo", "--max-tokens", "2")
    assert {"llama_cpp", "PIL"} <= names
    assert not names & {"numpy", "huggingface_hub", "rich", "httpx"}
