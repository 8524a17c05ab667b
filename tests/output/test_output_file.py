"""-o FILE: whole or not at all, and found out before the model works."""

import csv
import errno
import io
import json
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from vlmcli.core import JobDone, JobText
from vlmcli.errors import NotAPicture, OutputError
from vlmcli.output import OutputSettings, open_writer
from vlmcli.output.sink import FileSink


def write(path: Path | str, *records: Any, error: BaseException | None = None, **settings: Any) -> str:
    out = io.StringIO()
    with open_writer(OutputSettings(path=path, jobs=len(records), **settings), out, io.StringIO()) as writer:
        for job, record in enumerate(records):
            writer.emit(JobText(job, record.text[:2]))
            writer.emit(JobDone(job, record))
        if error:
            writer.emit(JobText(len(records), "half"))
            raise error
    return out.getvalue()


def test_the_file_has_the_answer_and_stdout_nothing(tmp_path: Path, record: Any) -> None:
    assert write(tmp_path / "x.txt", record("é漢")) == ""
    assert (tmp_path / "x.txt").read_text("utf-8") == "é漢\n"
    assert os.listdir(tmp_path) == ["x.txt"]


@pytest.mark.parametrize(
    ("name", "start"),
    {
        "x.JSON": '{\n  "schema"',
        "x.jsonl": '{"schema"',
        "x.ndjson": '{"schema"',
        "x.csv": "picture,task",
        "x.md": "## a.png",
        "x.Markdown": "## a.png",
        "x.txt": "A cat.",
        "x": "A cat.",
    }.items(),
)
def test_the_extension_names_the_format(name: str, start: str, tmp_path: Path, record: Any) -> None:
    write(tmp_path / name, record())
    assert (tmp_path / name).read_text().startswith(start)
    write(tmp_path / name, record(), format="text")
    assert (tmp_path / name).read_text() == "A cat.\n"


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path: Path, record: Any) -> None:
    path = tmp_path / "x.txt"
    path.write_text("old")
    with open_writer(OutputSettings(path=path), io.StringIO(), io.StringIO()) as writer:
        writer.emit(JobText(0, "A cat."))
        assert path.read_text() == "old"
        writer.emit(JobDone(0, record()))
        assert path.read_text() == "old"
    assert path.read_text() == "A cat.\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("bug")])
def test_an_unfinished_single_answer_leaves_the_old_file(error: BaseException, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("old")
    with pytest.raises(type(error)):
        write(tmp_path / "x.txt", error=error)
    assert (tmp_path / "x.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["x.txt"]


@pytest.mark.parametrize("format", ["text", "json", "jsonl", "csv", "markdown"])
def test_an_interrupted_or_failed_single_answer_leaves_the_old_file(format: str, tmp_path: Path, record: Any) -> None:
    (tmp_path / "x").write_text("old")
    write(tmp_path / "x", record("A c", stop_reason="interrupted", cut_short=True), format=format)
    write(tmp_path / "x", record("", error=NotAPicture("no"), stop_reason=None), format=format)
    assert (tmp_path / "x").read_text() == "old"
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.parametrize("format", ["text", "json", "jsonl", "csv", "markdown"])
def test_finished_answers_are_kept_when_a_later_one_breaks(format: str, tmp_path: Path, record: Any) -> None:
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "x", record("one"), record("two"), error=KeyboardInterrupt(), format=format)
    text = (tmp_path / "x").read_text()
    if format == "text":
        assert text == "==> a.png <==\none\n\n==> a.png <==\ntwo\n"
    elif format == "csv":
        assert [row["text"] for row in csv.DictReader(text.splitlines())] == ["one", "two"]
    elif format == "markdown":
        assert text == "## a.png\n\none\n\ntwo\n"
    else:
        values = json.loads(text) if format == "json" else [json.loads(line) for line in text.splitlines()]
        assert [value["text"] for value in values] == ["one", "two"]


@pytest.mark.parametrize("format", ["text", "json", "jsonl"])
@pytest.mark.parametrize("whole", [0, 1])
def test_an_answer_torn_by_ctrl_c_is_taken_back(
    format: str, whole: int, tmp_path: Path, record: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def torn(self: FileSink, text: str) -> None:
        if "torn" in text:
            self._file.write(text.encode()[: len(text) // 2])
            raise KeyboardInterrupt
        write_all(self, text)

    write_all = FileSink.write
    monkeypatch.setattr(FileSink, "write", torn)
    (tmp_path / "x").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "x", *[record("one")] * whole, record("torn"), record("three"), format=format)
    text = (tmp_path / "x").read_text()
    assert os.listdir(tmp_path) == ["x"]
    if not whole:
        assert text == "old"
    elif format == "text":
        assert text.startswith("==> a.png <==\none\n")
        assert "to" not in text
    else:
        values = json.loads(text)
        assert [value["text"] for value in (values if format == "json" else [values])] == ["one"]


def test_an_array_of_nothing_is_written(tmp_path: Path) -> None:
    write(tmp_path / "x.json")
    assert (tmp_path / "x.json").read_text() == "[]\n"


@contextmanager
def small_disk() -> Iterator[None]:
    """Not a fixture: pytest writes its own dots, perhaps into a long file, before a fixture ends."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2500, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_a_full_disk_keeps_what_was_whole(format: str, tmp_path: Path, record: Any) -> None:
    records = [record("x" * 300, name=f"{n}.png") for n in range(9)]
    with small_disk(), pytest.raises(OutputError, match=r"Cannot write .*x: file too large"):
        write(tmp_path / "x", *records, format=format)
    text = (tmp_path / "x").read_text()
    values = json.loads(text) if format == "json" else [json.loads(line) for line in text.splitlines()]
    assert [value["picture"] for value in values] == [f"{n}.png" for n in range(len(values))]
    assert len(values) >= 2
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_permissions_are_those_of_an_ordinary_file_or_of_the_old_one(tmp_path: Path, record: Any) -> None:
    before = os.umask(0o027)
    try:
        write(tmp_path / "new", record())
        (tmp_path / "old").touch()
        (tmp_path / "old").chmod(0o600)
        write(tmp_path / "old", record())
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o600


def test_a_symlink_keeps_pointing(tmp_path: Path, record: Any) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there/x.txt")
    write(tmp_path / "link", record())
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "x.txt").read_text() == "A cat.\n"


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("none/x.txt", "no such file or directory"),
        ("folder", "is a directory"),
        ("new/", "is a directory"),
        ("file/x.txt", "not a directory"),
        ("loop", "too many levels of symbolic links"),
        ("n" * 300, "file name too long"),
        ("/proc/vlm.txt", "no such file or directory"),
    ],
)
def test_a_place_that_cannot_be_written_is_found_at_once(place: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    path = os.path.join(tmp_path, place)
    with pytest.raises(OutputError) as caught:
        open_writer(OutputSettings(path=path))
    assert str(caught.value) == f"Cannot write {path}: {sentence}."
    assert sorted(os.listdir(tmp_path)) == ["file", "folder", "loop"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission(tmp_path: Path) -> None:
    (tmp_path / "x.txt").touch(0o400)
    tmp_path.chmod(0o700)
    with pytest.raises(OutputError, match="permission denied"):
        open_writer(OutputSettings(path=tmp_path / "x.txt"))


def test_a_denied_place_is_found_at_once_for_root_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.txt").touch()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(OutputError, match="permission denied"):
        open_writer(OutputSettings(path=tmp_path / "x.txt"))


@pytest.mark.parametrize("path", ["-", "/dev/stdout"])
def test_a_dash_is_stdout(path: str, record: Any) -> None:
    assert write(path, record()) == "A cat.\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_devices_are_written_directly(record: Any) -> None:
    write("/dev/null", record())
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(OutputError, match="Cannot write /dev/full: no space left on device"):
        write("/dev/full", record())
    with open("/dev/full", "w") as full:
        sentence = "Cannot write to standard output: no space left on device."
        with (
            pytest.raises(OutputError, match=sentence) as caught,
            open_writer(OutputSettings(), full, io.StringIO()) as writer,
        ):
            writer.emit(JobDone(0, record()))
        assert isinstance(caught.value.__cause__, OSError)
        assert caught.value.__cause__.errno == errno.ENOSPC
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="no /dev/fd")
def test_a_file_behind_a_descriptor_is_added_to(tmp_path: Path, record: Any) -> None:
    with open(tmp_path / "log", "a") as log:
        log.write("old\n")
        log.flush()
        write(f"/dev/fd/{log.fileno()}", record())
    assert (tmp_path / "log").read_text() == "old\nA cat.\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFO")
def test_a_fifo_is_written_as_it_comes(tmp_path: Path, record: Any) -> None:
    os.mkfifo(tmp_path / "fifo")
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "fifo").read_bytes()), daemon=True)
    reader.start()
    write(tmp_path / "fifo", record())
    reader.join(3)
    assert got == [b"A cat.\n"]


def test_a_closed_stdout_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    with pytest.raises(OutputError, match="standard output: it is closed"):
        open_writer(OutputSettings())
