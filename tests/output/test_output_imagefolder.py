"""--format imagefolder: the metadata.jsonl of Hugging Face's `datasets`."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from vlmcli.core import JobDone
from vlmcli.errors import OutputError, PictureDamaged
from vlmcli.output import OutputSettings, format_of, open_writer
from vlmcli.output.as_imagefolder import file_name_of

PIXELS = (Path(__file__).parents[2] / "vlmcli" / "demo" / "pictures" / "text.png").read_bytes()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set with a picture in it and one in a folder of it, and a picture outside."""
    (tmp_path / "set" / "cats é").mkdir(parents=True)
    for name in ("set/a.png", "set/cats é/b c.png", "outside.png"):
        (tmp_path / name).write_bytes(PIXELS)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "set"


def write(path: Any, *records: Any, **settings: Any) -> tuple[list[Any], str]:
    """The lines of the file (or of standard output), and what stderr says."""
    out, err = io.StringIO(), io.StringIO()
    with open_writer(OutputSettings(path=path, jobs=len(records), **settings), out, err) as writer:
        for job, record in reversed(list(enumerate(records))):
            writer.emit(JobDone(job, record))
    text = Path(path).read_text(encoding="utf-8") if path else out.getvalue()
    assert text.count("\n") == len(text.splitlines())
    return [json.loads(line) for line in text.splitlines()], err.getvalue()


@pytest.mark.parametrize("path", ["set/metadata.jsonl", "./set/../set/metadata.jsonl"])
def test_two_fields_relative_to_its_folder(path: str, folder: Path, record: Any) -> None:
    lines, said = write(path, record("A cat.\n", name="set/a.png"), record("B", name=str(folder / "cats é/b c.png")))
    assert lines == [{"file_name": "a.png", "text": "A cat."}, {"file_name": "cats é/b c.png", "text": "B"}]
    assert said == ""


def test_on_standard_output_the_working_folder_is_the_data_set(folder: Path, record: Any) -> None:
    lines, _ = write(None, record("A", name="set/a.png"), format="imagefolder")
    assert lines == [{"file_name": "set/a.png", "text": "A"}]


def test_any_text_stays_one_line(folder: Path, record: Any) -> None:
    lines, _ = write("set/metadata.jsonl", record('a\n"b"\u2028\x1b[2Jc\0 漢🎉\udcff', name="set/a.png"))
    assert lines == [{"file_name": "a.png", "text": 'a\n"b"\u2028c 漢🎉\\xff'}]


@pytest.mark.parametrize(
    ("name", "why"),
    {
        "outside.png": "it does not lie in",
        "set/../outside.png": "it does not lie in",
        "-": "it is no picture in a file",
        "https://example.org/a.png": "it is no picture in a file",
        "set/gone.png": "it is no picture in a file",
    }.items(),
)
def test_what_does_not_lie_in_the_folder_is_refused(name: str, why: str, folder: Path, record: Any) -> None:
    lines, said = write("set/metadata.jsonl", record("A", name="set/a.png"), record("B", name=name))
    assert [line["file_name"] for line in lines] == ["a.png"]
    assert said.startswith(f"vlm: {name} has no line in metadata.jsonl: {why}")
    with pytest.raises(OutputError, match=why):
        file_name_of(name, str(folder))


def test_a_failed_picture_has_no_line(folder: Path, record: Any) -> None:
    failed = record("", name="set/a.png", error=PictureDamaged("a.png is damaged."), stop_reason=None)
    lines, said = write("set/metadata.jsonl", failed, record("B", name="set/cats é/b c.png"))
    assert [line["file_name"] for line in lines] == ["cats é/b c.png"]
    assert said == "vlm: a.png is damaged.\n"


def test_a_picture_has_one_text(folder: Path, record: Any) -> None:
    lines, said = write("set/metadata.jsonl", record("A", name="set/a.png"), record("B", name="set/a.png"))
    assert lines == [{"file_name": "a.png", "text": "A"}]
    assert "set/a.png has a line in metadata.jsonl already" in said


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_a_name_that_json_cannot_hold_is_refused(folder: Path, record: Any) -> None:
    name = os.fsdecode(os.fsencode("set/") + b"\xff.png")
    Path(name).write_bytes(PIXELS)
    lines, said = write("set/metadata.jsonl", record("A", name="set/a.png"), record("B", name=name))
    assert len(lines) == 1
    assert "its name is no UTF-8" in said


def test_a_folder_that_is_reached_through_a_link(folder: Path, record: Any) -> None:
    os.symlink(folder, "linked")
    lines, _ = write("linked/metadata.jsonl", record("A", name="set/a.png"))
    assert lines == [{"file_name": "a.png", "text": "A"}]


def test_a_file_of_another_name_is_refused_before_any_work(folder: Path) -> None:
    with pytest.raises(OutputError) as caught:
        open_writer(OutputSettings(path="set/captions.jsonl", format="imagefolder"), io.StringIO(), None)
    assert caught.value.hint == f"-o {Path('set/metadata.jsonl')}"
    assert sorted(os.listdir("set")) == ["a.png", "cats é"]


def test_the_name_asks_for_it() -> None:
    assert format_of("data/metadata.jsonl") == "imagefolder"
    assert format_of("metadata.jsonl") == "imagefolder"
    assert format_of("data/my-metadata.jsonl") == "jsonl"
    assert format_of(None) == format_of("-") == format_of("x.unknown") == "text"


def test_datasets_reads_it(folder: Path, record: Any) -> None:
    from PIL import Image

    datasets = pytest.importorskip("datasets")
    write("set/metadata.jsonl", record("A", name="set/a.png"), record("B", name="set/cats é/b c.png"))
    rows = datasets.load_dataset("imagefolder", data_dir=str(folder), split="train")
    assert [row["text"] for row in rows] == ["A", "B"]
    assert rows[0]["image"].size == Image.open(io.BytesIO(PIXELS)).size


def test_the_command_writes_it(vlm: Any, folder: Path) -> None:
    for path, expected in (
        ("set/metadata.jsonl", ["a.png", "cats é/b c.png"]),
        ("-", ["set/a.png", "set/cats é/b c.png"]),
    ):
        more = ["--format", "imagefolder"] if path == "-" else []
        result = vlm("ocr", "set/a.png", "set/cats é/b c.png", "-o", path, *more, "--model", "demo")
        text = result.stdout if path == "-" else Path(path).read_text(encoding="utf-8")
        lines = [json.loads(line) for line in text.splitlines()]
        assert (result.code, [line["file_name"] for line in lines]) == (0, expected)
        assert [line["text"] for line in lines] == ["SALE", "SALE"]
