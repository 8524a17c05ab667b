"""Folders of small pictures, jobs over them, and engines that die when they meet a certain picture."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import on_terminal as on_terminal
from tests.cli.conftest import talker as talker
from tests.conftest import ROOT

JOB = ("--model", "demo", "--max-tokens", "3", "-r")
"""Three tokens are an answer as good as any other."""


@pytest.fixture
def fill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """`fill(20)`: the names of so many distinct pictures in `photos/`, below the current folder."""
    from PIL import Image

    monkeypatch.chdir(tmp_path)

    def make(many: int, folder: str = "photos", side: int = 32) -> list[str]:
        Path(folder).mkdir(parents=True, exist_ok=True)
        names = [os.path.join(folder, f"{number}.png") for number in range(many)]
        for number, name in enumerate(names):
            Image.new("RGB", (side, side), (number % 256, number // 256, 7)).save(name)
        return names

    return make


def read(path: str | Path = "x.jsonl") -> list[dict[str, Any]]:
    """The records of a ledger, every line of which must be whole."""
    return [json.loads(line) for line in Path(path).read_bytes().decode().splitlines()]


def names_in(path: str | Path = "x.jsonl") -> list[str]:
    return [record["job"].get("name", record["picture"]) for record in read(path)]


def assert_each_once(names: list[str], path: str | Path = "x.jsonl") -> None:
    assert Counter(names_in(path)) == Counter(names)
    assert all(record["error"] is None and record["text"] for record in read(path))


def session_of(pid: int) -> list[int]:
    """The processes of the session that this process leads, or led."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == pid and fields[0] != "Z":
                found.append(int(entry.name))
    return found


FAULTS = """
import sys
if any("vlmcli.batch.child" in word for word in sys.orig_argv):
    import os, signal
    from PIL.ImageFile import ImageFile
    real = ImageFile.load

    def load(self):
        fault = self.info.get("fault")
        if fault == "said":
            os.write(2, b"GGML_ASSERT(false) failed\\n")
            os.abort()
        if fault:
            os.kill(os.getpid(), int(fault))
        return real(self)

    ImageFile.load = load
"""


@pytest.fixture
def faulty(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which the engine's process, and no other, dies of pictures that `deadly` made."""
    folder = tmp_path_factory.mktemp("faults")
    (folder / "sitecustomize.py").write_text(FAULTS)
    return {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


def deadly(name: str, fault: str) -> None:
    """A good picture (`3.png`) of which `faulty` decoders die: of a signal's number, or with last words."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("fault", fault)
    Image.new("RGB", (32, 32), (255, int(Path(name).stem), 0)).save(name, pnginfo=info)


def cut_model(folder: Path) -> list[str]:
    """Options of a model whose end is missing: its header is good, and it cannot be opened."""
    from vlmcli import demo

    model = folder / "cut.gguf"
    model.write_bytes(demo.DECODER.read_bytes()[:-200_000])
    return ["--model", str(model), "--mmproj", str(demo.PROJECTOR)]


Start = Callable[..., "subprocess.Popen[bytes]"]
