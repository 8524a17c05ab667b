"""--format csv: what a spreadsheet or another program's CSV reader makes of it."""

import csv
import io
from dataclasses import replace
from typing import Any

import pytest

from vlmcli.core import JobDone, JobText, PictureInfo
from vlmcli.errors import NotAPicture
from vlmcli.output import OutputSettings, open_writer
from vlmcli.output.as_csv import COLUMNS, cell, line_end


def run(*records: Any, jobs: int | None = None) -> str:
    out = io.StringIO(newline="")
    settings = OutputSettings(format="csv", jobs=len(records) if jobs is None else jobs)
    with open_writer(settings, out, io.StringIO()) as writer:
        for job, record in reversed(list(enumerate(records))):
            writer.emit(JobText(job, record.text))
            writer.emit(JobDone(job, record))
    return out.getvalue()


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_a_header_and_a_row_each_in_the_order_of_the_jobs(record: Any) -> None:
    raw = run(record("One, two"), record("Three", name="b.png"))
    assert raw.split("\r\n")[0] == ",".join(COLUMNS)
    assert raw.endswith("\r\n")
    one, two = read(raw)
    assert one == {
        "picture": "a.png",
        "task": "describe",
        "question": "What is it?",
        "text": "One, two",
        "stop_reason": "end",
        "cut_short": "false",
        "error": "",
        "error.kind": "",
        "model": "demo",
        "width": "640",
        "height": "480",
        "sha256": "ab" * 32,
        "tokens.prompt": "612",
        "tokens.image": "576",
        "tokens.answer": "48",
    }
    assert (two["picture"], two["text"]) == ("b.png", "Three")


@pytest.mark.parametrize("text", ['a "b", c', "one\ntwo\n\nthree", ",", '"', "é漢🎉", "a;b\tc"])
def test_any_text_comes_back_as_it_was(text: str, record: Any) -> None:
    assert read(run(record(text)))[0]["text"] == text


def test_a_failed_picture_has_its_row(record: Any) -> None:
    failed = replace(record("", error=NotAPicture("not a picture: a"), stop_reason=None), pictures=(PictureInfo("a"),))
    row = read(run(failed))[0]
    assert (row["picture"], row["error"], row["error.kind"]) == ("a", "not a picture: a", "not_a_picture")
    assert (row["text"], row["width"], row["stop_reason"], row["sha256"]) == ("", "", "", "")


def test_several_pictures_of_one_record_stand_beside_each_other(record: Any) -> None:
    both = replace(record(), pictures=(PictureInfo("a.png", 1, 2, "aa"), PictureInfo("b.png")))
    row = read(run(both))[0]
    assert [row[name] for name in ("picture", "width", "height", "sha256")] == ["a.png|b.png", "1|", "2|", "aa|"]


@pytest.mark.parametrize(
    ("text", "shown"),
    {
        "=1+1": "'=1+1",
        "=HYPERLINK(A1)": "'=HYPERLINK(A1)",
        "- a list": "'- a list",
        "+1 cmd": "'+1 cmd",
        "@SUM(1)": "'@SUM(1)",
        "-1+1": "'-1+1",
        "＝1": "'＝1",
        "-5": "-5",
        "+3.5": "+3.5",
        "-1,200.50": '"-1,200.50"',
        "a=b": "a=b",
        " =1": '"\' =1"',
    }.items(),
)
def test_no_cell_is_a_formula(text: str, shown: str) -> None:
    assert cell(text) == shown.replace('"\' =1"', "' =1")


def test_control_characters_are_out_and_names_stay_apart(record: Any) -> None:
    raw = run(record("a\x1b[2Jb\x00", name="x\x1b[2J\n.png"))
    assert read(raw)[0]["text"] == "ab"
    assert read(raw)[0]["picture"] == "x\\x1b[2J\\n.png"
    assert not set(raw) & set("\x1b\x00")


def test_lines_end_as_rfc_4180_says_on_windows_too(record: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (line_end(translated=False), line_end(translated=True)) == ("\r\n", "\n")
    monkeypatch.setattr("os.linesep", "\r\n")
    windows = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\r\n")
    with open_writer(OutputSettings(format="csv"), windows, io.StringIO()) as writer:
        writer.emit(JobDone(0, record()))
    assert windows.buffer.getvalue().count(b"\r\n") == 2
    assert b"\r\r" not in windows.buffer.getvalue()


def test_of_nothing_there_is_the_header(record: Any) -> None:
    assert run(jobs=0) == ",".join(COLUMNS) + "\r\n"


def test_a_lone_failure_leaves_the_old_file(tmp_path: Any, record: Any) -> None:
    (tmp_path / "x.csv").write_text("old")
    with open_writer(OutputSettings(path=tmp_path / "x.csv"), io.StringIO(), io.StringIO()) as writer:
        writer.emit(JobDone(0, record("", error=NotAPicture("no"), stop_reason=None)))
    assert (tmp_path / "x.csv").read_text() == "old"


@pytest.mark.parametrize("format", ["csv", "json"])
def test_a_row_torn_by_ctrl_c_takes_the_beginning_with_it_and_the_next_brings_it_again(
    format: str, tmp_path: Any, record: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vlmcli.output.sink import FileSink

    write_all = FileSink.write

    def torn(self: FileSink, text: str) -> None:
        write_all(self, text)
        if "torn" in text:
            raise KeyboardInterrupt

    monkeypatch.setattr(FileSink, "write", torn)
    settings = OutputSettings(format=format, path=tmp_path / "x", jobs=3)
    with pytest.raises(KeyboardInterrupt), open_writer(settings, io.StringIO(), io.StringIO()) as writer:  # noqa: PT012
        writer.emit(JobDone(2, record("three")))
        writer.emit(JobDone(0, record("torn")))
    text = (tmp_path / "x").read_bytes().decode()
    if format == "csv":
        assert [row["text"] for row in read(text)] == ["three"]
    else:
        import json

        assert [value["text"] for value in json.loads(text)] == ["three"]
