"""Jobs on a real Ray cluster on this machine: workers die, the job does not, and each picture has one record."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.batch.conftest import Start, assert_each_once, cut_model, deadly, names_in, read
from tests.conftest import ROOT

_RAY = find_spec("ray")
pytestmark = [
    pytest.mark.skipif(_RAY is None, reason="the extra ray is not installed"),
    pytest.mark.skipif(os.name != "posix", reason="signals of POSIX"),
]

JOB = ("--model", "demo", "-r", "-o", "x.jsonl", "--engine", "ray")
PATIENCE_S = 180

FAULTS = """
import sys
if any("default_worker.py" in word for word in sys.orig_argv):
    import os, time
    from PIL.ImageFile import ImageFile
    real = ImageFile.load

    def load(self):
        if "fault" in self.info:
            os.kill(os.getpid(), int(self.info["fault"]))
        time.sleep(float(os.environ.get("SLOWLY", 0)))
        return real(self)

    ImageFile.load = load
"""
"""In a worker: pictures that `deadly` made kill, and all others take their time."""


@pytest.fixture
def marked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment with Ray in it, and a mark by which its processes are known again."""
    assert _RAY is not None
    folder = tmp_path_factory.mktemp("faults")
    (folder / "sitecustomize.py").write_text(FAULTS)
    paths = (folder, ROOT, Path(str(_RAY.origin)).parents[1])
    return {"PYTHONPATH": os.pathsep.join(map(str, paths)), "VLM_TEST_MARK": uuid4().hex}


def processes(marked: dict[str, str], words: bytes = b"") -> list[int]:
    """Those that were started with this mark and have these words in their command line."""
    mark, found = f"VLM_TEST_MARK={marked['VLM_TEST_MARK']}".encode(), []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark in (entry / "environ").read_bytes() and words in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def wait_until(true: Callable[[], Any], seconds: float = PATIENCE_S) -> Any:
    until = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < until
        time.sleep(0.02)
    return found


def finish(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    _, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, err.decode()


def records() -> int:
    return Path("x.jsonl").read_bytes().count(b"\n") if Path("x.jsonl").exists() else 0


def test_answers_are_those_of_one_machine(
    vlm: Callable[..., Any], start_vlm: Start, fill: Callable[..., list[str]], marked: dict[str, str]
) -> None:
    names = fill(6)
    shutil.copy(names[0], "photos/twin.png")
    assert vlm("describe", "photos", "--model", "demo", "-r", "-o", "here.jsonl").code == 0
    code, err = finish(start_vlm("describe", "photos", *JOB, "--ray-workers", "2", env=marked))
    assert (code, err) == (0, "")  # and not a word of Ray's
    assert_each_once([*names, "photos/twin.png"])
    here, there = ({each["picture"]: each for each in read(path)} for path in ("here.jsonl", "x.jsonl"))
    for name, record in here.items():
        assert there[name]["text"] == record["text"]
        assert there[name]["job"] == record["job"]
    assert "7 done before" in finish(start_vlm("describe", "photos", *JOB[:-2], env=marked))[1]  # on this machine
    wait_until(lambda: not processes(marked))


@pytest.mark.slow
def test_a_job_whose_only_picture_cannot_be_read_ends(start_vlm: Start, tmp_path: Path, marked: dict[str, str]) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n and no picture")
    code, err = finish(start_vlm("describe", "photos", *JOB, env=marked))
    assert code == 3, err
    assert "a.png" in err
    wait_until(lambda: not processes(marked))


@pytest.mark.slow
def test_a_worker_that_is_killed(start_vlm: Start, fill: Callable[..., list[str]], marked: dict[str, str]) -> None:
    names = fill(120)
    process = start_vlm("describe", "photos", *JOB, "--ray-workers", "2", env={**marked, "SLOWLY": "0.1"})
    killed: set[int] = set()
    for goal in (8, 60):
        wait_until(lambda goal=goal: records() >= goal)
        victim = wait_until(lambda: [pid for pid in processes(marked, b"ray::Actor") if pid not in killed])[0]
        os.kill(victim, signal.SIGKILL)
        killed.add(victim)
    code, err = finish(process)
    assert code == 0, err
    assert all(re.match(r"vlm: \d+ of 120 ", line) for line in err.splitlines()), err  # nothing but progress is said
    assert_each_once(names)
    wait_until(lambda: not processes(marked))


@pytest.mark.slow
def test_a_picture_that_kills_is_found_out(
    start_vlm: Start, fill: Callable[..., list[str]], marked: dict[str, str]
) -> None:
    names = fill(12)
    deadly(names[5], "11")
    code, err = finish(start_vlm("describe", "photos", *JOB, "--ray-workers", "2", env=marked))
    assert code == 1, err
    assert sorted(names_in()) == sorted(names)
    failed = [record for record in read() if record["error"]]
    assert [record["picture"] for record in failed] == [names[5]]
    assert failed[0]["error"]["kind"] == "engine_died"
    assert failed[0]["question"] == read()[0]["question"]
    assert "11 done before, 1 failed before" in finish(start_vlm("describe", "photos", *JOB[:-2], env=marked))[1]


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_begun(start_vlm: Start, fill: Callable[..., list[str]], marked: dict[str, str]) -> None:
    names = fill(200)
    process = start_vlm("describe", "photos", *JOB, "--ray-workers", "2", env={**marked, "SLOWLY": "0.1"})
    wait_until(lambda: records() >= 4)
    process.send_signal(signal.SIGINT)
    code, err = finish(process)
    assert code == 130
    assert "will be finished" in err
    assert "Traceback" not in err
    done = records()
    assert 4 <= done < len(names)
    wait_until(lambda: not processes(marked))
    code, err = finish(start_vlm("describe", "photos", *JOB[:-2], env=marked))
    assert (code, f"{done} done before" in err) == (0, True)
    assert_each_once(names)


@pytest.mark.slow
def test_ctrl_c_twice_leaves_at_once(start_vlm: Start, fill: Callable[..., list[str]], marked: dict[str, str]) -> None:
    fill(200)
    process = start_vlm("describe", "photos", *JOB, "--ray-workers", "2", env={**marked, "SLOWLY": "0.5"})
    wait_until(lambda: records() >= 2)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    code, err = finish(process)
    assert code == 130
    assert "Traceback" not in err
    assert all(record["text"] for record in read())
    wait_until(lambda: not processes(marked))


@pytest.mark.slow
def test_ctrl_c_while_the_cluster_starts(
    start_vlm: Start, fill: Callable[..., list[str]], marked: dict[str, str]
) -> None:
    fill(3)
    process = start_vlm("describe", "photos", *JOB, env=marked)
    wait_until(lambda: len(processes(marked)) > 1)  # the first of Ray's
    process.send_signal(signal.SIGINT)
    code, err = finish(process)
    assert code == 130
    assert "Traceback" not in err
    wait_until(lambda: not processes(marked))


@pytest.mark.slow
def test_a_model_that_cannot_be_opened_is_said_once(
    start_vlm: Start, fill: Callable[..., list[str]], tmp_path: Path, marked: dict[str, str]
) -> None:
    fill(3)
    options = [*cut_model(tmp_path), "-r", "-o", "x.jsonl", "--engine", "ray"]
    code, err = finish(start_vlm("describe", "photos", *options, env=marked))
    assert code in (4, 5)
    assert err.count("vlm: ") == 1 + err.count("vlm: model")
    assert "Traceback" not in err


@pytest.mark.slow
def test_a_cluster_that_is_full_is_spoken_of(fill: Callable[..., list[str]], marked: dict[str, str]) -> None:
    names = fill(2)
    program = "import sys, vlmcli.batch.cluster.workers as w; w._LATE_S = 0.01; from vlmcli.cli import main; "
    command = [sys.executable, "-c", f"{program} sys.exit(main(sys.argv[1:]))", "describe", "photos", *JOB]
    environment = {**os.environ, **marked}
    process = subprocess.run(command, env=environment, capture_output=True, timeout=PATIENCE_S)
    assert (process.returncode, process.stdout) == (0, b"")
    assert process.stderr.startswith(b"vlm: still no worker: the cluster may be full, each wants ")
    assert_each_once(names)


# --- a cluster that is there --------------------------------------------------------------------------------


@pytest.fixture
def cluster(marked: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """The address of a cluster whose only machine looks at nothing that we do."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = [sys.executable, "-c", "import ray.scripts.scripts as s; s.main()", "start", "--head", "--block"]
    command += ["--num-cpus", "2"]
    command += ["--port", str(port), "--object-store-memory", "80000000", "--include-dashboard", "false"]
    environment = {**os.environ, **marked, "RAY_USAGE_STATS_ENABLED": "0"}
    process = subprocess.Popen(
        command, env=environment, cwd=elsewhere, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_until(lambda: _listens(port))
    time.sleep(2)
    yield f"127.0.0.1:{port}"
    process.terminate()
    process.wait(60)
    wait_until(lambda: not processes(marked))


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@pytest.mark.slow
def test_a_cluster_that_is_there(
    start_vlm: Start, fill: Callable[..., list[str]], marked: dict[str, str], cluster: str
) -> None:
    """It stays there; pictures are read where they lie, by names relative to where the job was started."""
    names = fill(5)
    for done in (0, 5):
        code, err = finish(start_vlm("describe", "photos", *JOB, "--ray-address", cluster, env=marked))
        assert (code, err.rstrip()) == (0, "vlm: 0 answered, 5 done before" if done else "")
    assert_each_once(names)
    assert processes(marked, b"gcs_server")
