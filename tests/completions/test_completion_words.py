"""What is offered in each place of a command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vlmcli.models.families import FAMILIES
from vlmcli.output import WRITERS
from vlmcli.tasks.describe import STYLES

Complete = Callable[..., list[str]]


def test_commands_and_the_users_own(complete: Complete, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"describe", "ask", "compare", "ocr", "config"} <= set(complete("vlm "))
    assert complete("vlm des") == ["describe"]
    settings = tmp_path / "config.toml"
    settings.write_text('[tasks.descend]\nprompt = "Down?"\n[tasks.half]\nhelp = "x"\n')
    monkeypatch.setenv("VLM_CONFIG", str(settings))
    assert complete("vlm des") == ["describe", "descend"]
    assert complete("vlm descend --max") == ["--max-tokens"]
    assert complete("vlm descend --style ") == complete("vlm descend ")  # it has no styles
    settings.write_text("broken =\n")
    assert complete("vlm des") == ["describe"]
    assert complete("vlm describe --sty") == ["--style"]


def test_choices_are_those_of_the_program(complete: Complete) -> None:
    assert complete("vlm describe --style ") == list(STYLES)
    assert complete("vlm describe --style = ca") == ["caption"]  # how bash splits --style=ca
    assert complete("vlm ocr --family ") == list(FAMILIES)
    assert set(complete("vlm ask --format ")) <= set(WRITERS)
    assert complete("vlm ask --format jsonl") == ["jsonl"]
    assert complete("vlm compare --strategy n") == ["native"]
    assert complete("vlm describe --style=ca", "fish") == ["--style=caption"]


@pytest.mark.parametrize("command", ["describe", "ask", "compare", "ocr"])
def test_pictures_and_folders(complete: Complete, files: Path, command: str) -> None:
    assert complete(f"vlm {command} ") == [
        "B.JPG",
        "a.png",
        "holiday/",
        "it's $(x) `y`.webp",
        "models/",
        "my photo.jpg",
    ]
    assert complete(f"vlm {command} a.png hol") == ["holiday/"]
    assert complete(f"vlm {command} holiday/") == ["holiday/sea.heic"]
    assert complete(f"vlm {command} ./holiday/s") == ["./holiday/sea.heic"]
    assert complete(f"vlm {command} .h") == [".hidden.png"]
    assert complete(f"vlm {command} my\\ ph") == ["my photo.jpg"]
    assert complete(f"vlm {command} nowhere/") == []


def test_a_home_folder_stays_a_tilde(complete: Complete, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(files))
    assert complete("vlm ocr ~/hol") == ["~/holiday/"]


def test_models_and_other_files(complete: Complete, files: Path) -> None:
    assert complete("vlm ask --model ") == ["demo", "holiday/", "models/", "tiny.gguf"]
    assert complete("vlm ask -m d") == ["demo", "deepseek-ocr"]
    assert complete("vlm ask -m ti") == ["tiny.gguf"]
    assert complete("vlm pull llava-1.6-m") == ["llava-1.6-mistral-7b"]
    assert complete("vlm ask --mmproj models/") == ["models/mmproj-tiny.gguf"]
    assert complete("vlm ask --output no") == ["notes.txt"]


def test_keys_and_values_of_settings(complete: Complete, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"set", "unset", "edit", "path"} == set(complete("vlm config "))
    assert complete("vlm config set mo") == ["model"]
    assert complete("vlm config set describe.sty") == ["describe.style"]
    assert complete("vlm config set describe.style ca") == ["caption"]
    assert complete("vlm config set stats ") == ["true", "false"]
    settings = tmp_path / "config.toml"
    settings.write_text('[tasks.product]\nprompt = "x"\n')
    monkeypatch.setenv("VLM_CONFIG", str(settings))
    assert complete("vlm config set tasks.product.prom") == ["tasks.product.prompt"]
    assert complete("vlm config unset tasks.p") == ["tasks.product", "tasks.product.prompt"]


def test_help_beside_the_words_is_plain(complete: Complete) -> None:
    for shell in ("zsh", "fish"):
        lines = dict(line.split("\t", 1) for line in complete("vlm ask --m", shell))
        assert lines["--model"].startswith("The model: a name of vlm models, demo in the box")
        assert all("[/" not in text for text in lines.values())


def test_nothing_heavy_is_loaded(files: Path) -> None:
    script = (
        "import sys\nfrom vlmcli.cli import main\ntry: main()\nexcept SystemExit: pass\n"
        "heavy = {'llama_cpp', 'PIL', 'rich', 'numpy', 'huggingface_hub', 'pydantic', 'jinja2'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    line = {"_VLM_COMPLETE": "complete_bash", "COMP_WORDS": "vlm ask --threads 2 -m demo a.p", "COMP_CWORD": "6"}
    environment = {**os.environ, **line, "PYTHONPATH": str(Path(__file__).parents[2])}
    ran = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.split("\n")[:2] == ["a.png", "[]"]
