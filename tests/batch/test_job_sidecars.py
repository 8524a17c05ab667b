"""A file beside each picture, as the output of a job or besides another one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.batch.conftest import JOB, names_in, read
from vlmcli import demo

SHAPES = demo.DECODER.parent / "pictures" / "shapes.png"
Run = Callable[..., Any]
Fill = Callable[..., list[str]]


def sidecars() -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(Path("photos").glob("*.txt"))}


def test_each_picture_gets_its_text_and_keeps_it(vlm: Run, fill: Fill) -> None:
    fill(3)
    Path("photos/1.txt").write_text("my own words\n")
    assert vlm("describe", "photos", *JOB, "--sidecar", ".txt", "--prefix", "a photo, ").code == 0
    found = sidecars()
    assert list(found) == ["0.txt", "1.txt", "2.txt"]
    assert found["1.txt"] == "my own words\n"
    assert found["0.txt"].startswith("a photo, ")
    assert sorted(os.listdir()) == ["photos"]
    assert "0 answered, 3 done before" in vlm("describe", "photos", *JOB, "--sidecar", ".txt").stderr
    os.remove("photos/2.txt")
    assert "1 answered, 2 done before" in vlm("describe", "photos", *JOB, "--sidecar", ".txt").stderr
    assert vlm("describe", "photos", *JOB, "--sidecar", ".txt", "--overwrite").code == 0
    assert sidecars()["1.txt"] != "my own words\n"


def test_an_alt_text_in_an_attribute_is_not_asked_for_again(vlm: Run, fill: Fill) -> None:
    fill(1)
    mine = (
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><r:Description"
        " xmlns:i='http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/' i:AltTextAccessibility='Mine'/></r:RDF></x:xmpmeta>"
    )
    Path("photos/0.xmp").write_text(mine)
    assert "0 answered, 1 done before" in vlm("describe", "photos", *JOB, "--sidecar", ".xmp").stderr
    assert Path("photos/0.xmp").read_text() == mine


def test_beside_an_output_what_was_lost_comes_back_without_the_model(vlm: Run, fill: Fill) -> None:
    names = fill(3)
    command = ["describe", "photos", *JOB, "--sidecar", ".txt", "-o", "x.jsonl"]
    assert vlm(*command).code == 0
    before = sidecars()
    os.remove("photos/1.txt")
    assert "0 answered, 3 done before" in vlm(*command).stderr
    assert sidecars() == before
    assert names_in() == names


def test_a_picture_has_one_line_in_an_imagefolder(vlm: Run, fill: Fill) -> None:
    names = fill(3)
    output = ["-o", "photos/metadata.jsonl"]
    both = vlm("ask", "photos", *JOB, "-q", "What?", "-q", "Where?", *output)
    assert (both.code, "here are several questions" in both.stderr) == (2, True)
    assert sorted(f"photos/{name}" for name in os.listdir("photos")) == names
    assert vlm("ask", *names[:2], "What?", *JOB, *output).code == 0
    first = Path("photos/metadata.jsonl").read_text()
    other = vlm("ask", *names[:2], "Where?", *JOB, *output)
    assert (other.code, "answers another question" in other.stderr) == (7, True)
    assert Path("photos/metadata.jsonl").read_text() == first
    assert vlm("ask", names[2], "Where?", *JOB, *output).code == 0
    assert sorted(line["file_name"] for line in read("photos/metadata.jsonl")) == ["0.png", "1.png", "2.png"]
    assert vlm("ask", *names, "Where?", *JOB, *output, "--overwrite").code == 0


def test_the_copies_of_a_name_that_is_no_text_have_their_lines(vlm: Run, fill: Fill) -> None:
    names = fill(1)
    os.rename(names[0], os.fsdecode(b"photos/a\xff.png"))
    shutil.copy(os.fsdecode(b"photos/a\xff.png"), "photos/z.png")
    result = vlm("describe", "photos", *JOB, "-o", "photos/metadata.jsonl")
    assert (result.code, "its name is no UTF-8" in result.stderr) == (1, True)
    assert [line["file_name"] for line in read("photos/metadata.jsonl")] == ["z.png"]


@pytest.mark.parametrize("extension", [".txt", ".xmp"])
def test_the_words_about_a_picture_that_changed_change_too(vlm: Run, fill: Fill, extension: str) -> None:
    names = fill(2)
    command = ["describe", "photos", *JOB, "--max-tokens", "12", "--sidecar", extension, "-o", "x.jsonl"]
    assert vlm(*command).code == 0
    mine = Path(f"photos/1{extension}")
    mine.write_text(mine.read_text().replace(read()[1]["text"], "My own words"))
    for name in names:
        shutil.copy(SHAPES, name)
    result = vlm(*command)
    assert (result.code, "1 of the sidecars keep other words than vlm's" in result.stderr) == (0, True)
    assert read()[0]["text"] in Path(f"photos/0{extension}").read_text()
    assert "My own words" in mine.read_text()


def test_two_that_would_share_one_are_told_apart(vlm: Run, fill: Fill) -> None:
    names = fill(2)
    os.rename(names[1], "photos/0.jpg")  # 0.jpg comes before 0.png
    result = vlm("describe", "photos", *JOB, "--sidecar", ".txt", "-o", "x.jsonl")
    assert (result.code, "photos/0.png would share its sidecar 0.txt" in result.stderr) == (1, True)
    assert [(record["picture"], bool(record["error"])) for record in read()] == [
        ("photos/0.jpg", False),
        ("photos/0.png", True),
    ]
    assert vlm("describe", "photos", *JOB, "--sidecar", "+.txt").code == 0
    assert list(sidecars()) == ["0.jpg.txt", "0.png.txt", "0.txt"]


def test_words_for_sidecars_without_sidecars(vlm: Run, fill: Fill) -> None:
    fill(1)
    for option in ("--prefix", "--suffix", "--sidecar-dir"):
        result = vlm("describe", "photos", *JOB, option, "x")
        assert (result.code, "about sidecars" in result.stderr) == (2, True)


def test_what_is_wrong_with_an_output_is_said_before_any_work(vlm: Run, fill: Fill) -> None:
    names = fill(2)
    for options, code, words in (
        (["-o", "x.txt", "--template", "{nope}"], 2, "nope"),
        (["-o", "x.txt", "--format", "imagefolder"], 7, "metadata.jsonl"),
        (["-o", "none/x.csv"], 7, "none/x.csv"),
        (["--sidecar", ".png"], 2, "--sidecar .png"),
    ):
        result = vlm("describe", "photos", *JOB, *options)
        assert (result.code, words in result.stderr) == (code, True), result
        assert sorted(os.listdir()) == ["photos"]
    two = vlm("ask", "photos", *JOB, "-q", "What?", "-q", "Where?", "--sidecar", ".txt")
    assert (two.code, "one question" in two.stderr) == (2, True)
    assert sorted(os.listdir("photos")) == [os.path.basename(name) for name in names]


def test_a_picture_outside_an_imagefolder_is_refused_before_any_work(vlm: Run, fill: Fill) -> None:
    names = fill(2)
    os.rename(names[1], "outside.png")
    result = vlm("describe", "photos", "outside.png", *JOB, "-o", "photos/metadata.jsonl")
    assert (result.code, "outside.png" in result.stderr) == (1, True)
    assert '"file_name": "0.png"' in Path("photos/metadata.jsonl").read_text()
    assert [bool(record["error"]) for record in read("photos/.metadata.jsonl.vlm.jsonl")] == [False, True]


@pytest.mark.parametrize("again", [[], ["--retry-failed"]])
def test_a_refusal_is_not_the_twins(vlm: Run, fill: Fill, again: list[str]) -> None:
    """photos/0.png has no sidecar, for 0.jpg has that; those of the same bytes have their own."""
    names = fill(2)
    os.rename(names[0], "photos/0.jpg")
    for name in ("0.png", "2.png", "3.png"):
        shutil.copy(names[1], f"photos/{name}")
    command = ["describe", "photos", *JOB, "--sidecar", ".txt", "-o", "x.jsonl"]
    for options in ([], again):
        assert "1 failed" in vlm(*command, *options).stderr
        assert [record["picture"] for record in read() if record["error"]] == ["photos/0.png"]
    assert list(sidecars()) == ["0.txt", "1.txt", "2.txt", "3.txt"]


def test_a_name_too_long_for_a_sidecar_is_not_the_twins(vlm: Run, fill: Fill) -> None:
    names = fill(2)
    shutil.copy(names[1], f"photos/{'0' * 250}.png")  # comes first, and cannot have four signs more
    os.remove(names[0])
    result = vlm("describe", "photos", *JOB, "--sidecar", "+.txt", "-o", "x.jsonl")
    assert (result.code, "name too long" in result.stderr) == (1, True)
    assert list(sidecars()) == ["1.png.txt"]
    assert [(len(record["picture"]) > 200, bool(record["error"])) for record in read()] == [
        (True, True),
        (False, False),
    ]


def test_a_sidecar_that_is_refused_after_the_answer_is_said(vlm: Run, fill: Fill) -> None:
    names = fill(2)
    os.rename(names[1], "photos/0.jpg")
    command = ["describe", "photos", *JOB, "-o", "x.jsonl"]
    assert vlm(*command).code == 0
    before = Path("x.jsonl").read_bytes()
    Path("afile").touch()
    nowhere = vlm(*command, "--sidecar", ".txt", "--sidecar-dir", "afile/x")
    assert (nowhere.code, "0 answered, 2 failed" in nowhere.stderr) == (7, True)
    for _ in range(2):
        shared = vlm(*command, "--sidecar", ".txt")
        assert (shared.code, "photos/0.png would share its sidecar" in shared.stderr) == (1, True)
        assert "0 answered, 1 failed, 1 done before" in shared.stderr
    assert Path("x.jsonl").read_bytes() == before


def test_a_picture_that_is_gone_misses_no_sidecar(vlm: Run, fill: Fill) -> None:
    names = fill(2)
    command = ["describe", *names, *JOB, "--sidecar", ".txt", "-o", "x.jsonl"]
    assert vlm(*command).code == 0
    os.remove(names[0])
    assert vlm(*command).code == 0
