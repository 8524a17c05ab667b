"""Whatever is wrong with the store costs time and never an answer: nothing raises, nothing false comes back."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cache.conftest import ENTRY, key
from tests.conftest import ROOT
from vlmcli.cache import Store, shelf

FileOf = Callable[[str], Path]


def _ways_to_break() -> dict[str, Callable[[bytes], bytes]]:
    def flip(at: int) -> Callable[[bytes], bytes]:
        return lambda data: data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]

    flips = {f"bit flip at {at}": flip(at) for at in (0, 8, 12, 16, 33, 64, 66, 100, 5000, -1)}
    return flips | {
        "empty": lambda data: b"",
        "half a header": lambda data: data[:30],
        "half": lambda data: data[: len(data) // 2],
        "one byte short": lambda data: data[:-1],
        "one byte more": lambda data: data + b"\0",
        "zeros": lambda data: bytes(len(data)),
        "huge lengths": lambda data: data[:12] + b"\xff" * 12 + data[24:],
        "older version": lambda data: data[:8] + b"\0\0\0\0" + data[12:],
        "another file": lambda data: b"GIF89a" + bytes(3000),
    }


@pytest.mark.parametrize("way", list(_ways_to_break()))
def test_a_broken_entry_is_none_and_goes(store: Store, file_of: FileOf, way: str) -> None:
    store.put("rows", key("a"), ENTRY, label="demo")
    path = file_of(key("a"))
    path.write_bytes(_ways_to_break()[way](path.read_bytes()))
    assert store.usage(), "it is counted as long as it is there"
    assert store.get("rows", key("a")) is None
    assert not path.exists()
    assert store.put("rows", key("a"), ENTRY)
    assert store.get("rows", key("a")) == ENTRY


def test_an_entry_in_the_place_of_another_is_not_believed(store: Store, file_of: FileOf) -> None:
    store.put("rows", key("a"), ENTRY)
    store.put("rows", key("b"), b"other")
    shutil.copyfile(file_of(key("a")), file_of(key("b")))
    assert store.get("rows", key("b")) is None
    assert store.get("rows", key("a")) == ENTRY


def test_the_number_of_hits_may_be_garbage(store: Store, file_of: FileOf) -> None:
    store.put("rows", key("a"), ENTRY)
    data = file_of(key("a")).read_bytes()
    file_of(key("a")).write_bytes(data[:24] + b"\xff" * 8 + data[32:])
    assert store.usage()[0].hits < 2**32
    assert store.get("rows", key("a")) == ENTRY
    assert store.get("rows", key("a")) == ENTRY


def test_deleted_under_a_running_process(store: Store) -> None:
    store.put("rows", key("a"), ENTRY)
    shutil.rmtree(store.root)
    assert store.get("rows", key("a")) is None
    assert store.put("rows", key("a"), ENTRY)
    assert store.get("rows", key("a")) == ENTRY


def test_deleted_in_the_middle_of_a_put(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    write = shelf.write_entry

    def write_and_delete(*arguments: object) -> None:
        write(*arguments)  # type: ignore[arg-type]
        shutil.rmtree(store.root)

    monkeypatch.setattr(shelf, "write_entry", write_and_delete)
    assert not store.put("rows", key("a"), ENTRY)
    monkeypatch.undo()
    assert store.put("rows", key("a"), ENTRY)


@pytest.mark.parametrize("where", ["cache", "cache/rows", "cache/rows/{shard}"])
def test_a_file_in_the_place_of_a_folder(store: Store, where: str) -> None:
    path = store.root.parent / where.format(shard=key("a")[:2])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    _is_as_good_as_empty(store)
    assert path.read_text() == "mine"


def test_a_folder_in_the_place_of_an_entry(store: Store) -> None:
    (store.root / "rows" / key("a")[:2] / key("a") / "in").mkdir(parents=True)
    assert not store.put("rows", key("a"), ENTRY)
    assert store.get("rows", key("a")) is None
    assert list((store.root / "rows").glob("*/.*")) == []


def _is_as_good_as_empty(store: Store) -> None:
    assert not store.put("rows", key("a"), ENTRY)
    assert store.get("rows", key("a")) is None
    assert store.usage() == []
    assert store.clear().entries == 0


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_full_disk(store: Store, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    store.put("rows", key("a"), ENTRY)
    write = shelf.write_entry

    def fill_up(file: object, name: str, label: bytes, parts: tuple[bytes, ...]) -> None:
        write(file, name, label, parts)  # type: ignore[arg-type]
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(shelf, "write_entry", fill_up)
    assert not store.put("rows", key("b"), ENTRY)
    assert store.get("rows", key("b")) is None
    assert store.get("rows", key("a")) == ENTRY
    assert list(store.root.rglob(".*")) == [], "what was begun lies there still"


def test_no_memory(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put("rows", key("a"), ENTRY)

    def no_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(shelf, "read_entry", no_memory)
    monkeypatch.setattr(shelf, "write_entry", no_memory)
    assert store.get("rows", key("a")) is None
    assert not store.put("rows", key("a"), ENTRY)
    monkeypatch.undo()
    assert store.get("rows", key("a")) == ENTRY


def test_what_killed_processes_left_goes_in_time(store: Store) -> None:
    store.put("rows", key("a"), ENTRY)
    folders = store.root / "rows", store.root / "rows" / key("a")[:2]
    for path in (folder / name for folder in folders for name in (".old", ".new")):
        path.write_bytes(b"half")
        if path.name == ".old":
            os.utime(path, (time.time() - 7200, time.time() - 7200))
    store.clear(older_than_s=0)
    assert [(folder / ".old").exists() for folder in folders] == [False, False]
    assert [(folder / ".new").exists() for folder in folders] == [True, True], "somebody may be writing that"


# --- real limits of the system ------------------------------------------------------------------------------

_START = """
import os, resource, signal, sys
from pathlib import Path
from vlmcli.cache import Store, digest_of
store = Store(Path(sys.argv[1]) / "cache", {"rows": 10**9})
key = lambda name: digest_of("test", name)
"""


def _python(script: str, folder: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _START + script, str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
def test_a_write_that_ends_half_way(tmp_path: Path) -> None:
    script = """
assert store.put("rows", key("a"), b"x" * 50_000)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
assert not store.put("rows", key("b"), b"x" * 200_000)
assert store.get("rows", key("b")) is None
assert store.get("rows", key("a")) == b"x" * 50_000
assert not list(store.root.rglob(".*"))
"""
    _python(script, tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_a_read_only_folder_is_still_read() -> None:
    script = """
if os.geteuid() == 0:
    os.setuid(65534)  # root may write anywhere
assert store.put("rows", key("a"), b"x" * 5000)
paths = [store.root, *store.root.rglob("*")]
for path in paths:
    os.chmod(path, 0o500 if path.is_dir() else 0o400)
try:
    assert store.get("rows", key("a")) == b"x" * 5000
    assert not store.put("rows", key("b"), b"x")
    assert not store.put("rows", key("a"), b"x")
    assert store.clear().entries == 0
    assert store.get("rows", key("a")) == b"x" * 5000
    assert [u.hits for u in store.usage()] == [0]
finally:
    for path in paths:
        os.chmod(path, 0o700)
"""
    with tempfile.TemporaryDirectory() as folder:  # pytest's own is closed to other users
        os.chmod(folder, 0o777)
        _python(script, folder)


@pytest.mark.skipif(os.name == "nt", reason="kills as POSIX does")
def test_killed_in_the_middle_of_putting(tmp_path: Path) -> None:
    script = """
for number in range(100_000):
    store.put("rows", key(number % 20), bytes([number % 20]) * 3_000_000)
    if number == 0:
        print("go", flush=True)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", _START + script, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    process.stdout.readline()
    time.sleep(0.15)
    process.kill()
    process.communicate()
    store = Store(tmp_path / "cache", {"rows": 10**9})
    found = {number: store.get("rows", key(number)) for number in range(20)}
    assert any(found.values())
    assert all(data in (None, bytes([number]) * 3_000_000) for number, data in found.items())
