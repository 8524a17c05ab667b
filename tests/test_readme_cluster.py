"""README's files for clusters are run: the Slurm script as its array would, the pod's command, and GNU parallel."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.batch.conftest import fill as fill

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="README speaks to a POSIX shell")


def block(kind: str, word: str) -> str:
    """The only code block of this kind with this word in it."""
    (found,) = [each for each in re.findall(rf"^```{kind}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL) if word in each]
    return str(found)


@pytest.fixture
def shell(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., None]:
    """Runs a script in the current folder with `vlm` on the PATH; the model in the box stands for llava."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "vlm").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m vlmcli "$@"\n')
    (folder / "vlm").chmod(0o755)

    def run(script: str, program: str = "bash", **variables: str) -> None:
        path = f"{folder}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "VLM_CACHE": "off", **variables}
        assert "--model llava" in script or "merge" in script
        command = [program, "-c", script.replace("--model llava", "--model demo --max-tokens 3")]
        result = subprocess.run(command, env=environment, capture_output=True, timeout=300)
        assert result.returncode == 0, result.stderr.decode()

    return run


def assert_whole(names: list[str]) -> None:
    """Also the one that is no picture has a record."""
    records = [json.loads(line) for line in Path("captions.jsonl").read_text().splitlines()]
    assert sorted(record["picture"] for record in records) == sorted([*names, "photos/bad.png"])
    assert [record["picture"] for record in records if record["error"]] == ["photos/bad.png"]


@pytest.fixture
def photos(fill: Callable[..., list[str]]) -> list[str]:
    """A folder of pictures, one of which is none."""
    names = fill(10)
    Path("photos/bad.png").write_text("This is not a picture.")
    return names


def test_the_slurm_array(shell: Callable[..., None], photos: list[str]) -> None:
    script = block("bash", "#SBATCH")
    found = re.search(r"--array=1-(\d+)", script)
    assert found
    assert f"\nN={found[1]}\n" in script  # all parts, and no more, are in the array
    script = re.sub(r"=1-8|N=8", lambda m: m[0].replace("8", "3"), script)
    for number in range(1, 4):
        shell(script, SLURM_ARRAY_TASK_ID=str(number), SLURM_CPUS_PER_TASK="1")
    shell(block("sh", "vlm merge part-"))
    assert_whole(photos)


def test_the_kubernetes_job(shell: Callable[..., None], photos: list[str]) -> None:
    text = block("yaml", "kind: Job")
    arguments = re.search(r"^ +- >-\n((?: {14}.*\n)+)", text, re.MULTILINE)
    assert arguments
    script = " ".join(line.strip() for line in arguments[1].splitlines())
    if shutil.which("python") and (yaml := pytest.importorskip("yaml", reason="PyYAML is not installed")):
        job = yaml.safe_load(text)["spec"]
        container = job["template"]["spec"]["containers"][0]
        assert (job["completionMode"], job["completions"]) == ("Indexed", int(script.partition(")/")[2][0]))
        assert container["args"] == [script]
        assert container["command"] == ["/bin/sh", "-c"]
    for index in range(2):
        shell(script.replace("/8", "/2"), "sh", JOB_COMPLETION_INDEX=str(index))
    shell(block("sh", "vlm merge part-"))
    assert_whole(photos)


@pytest.mark.skipif(shutil.which("parallel") is None, reason="GNU parallel is not installed")
def test_gnu_parallel(shell: Callable[..., None], photos: list[str]) -> None:
    shell(block("bash", "parallel").replace("--threads 4", "--threads 1"))
    assert_whole(photos)


def test_the_extras_are_those_that_are_named() -> None:
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    named = set(re.findall(r"vlmcli\[(\w+)\]", TEXT))
    assert {"ray", "remote"} <= named <= set(extras)
