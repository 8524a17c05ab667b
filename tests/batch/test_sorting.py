"""Pictures in the folders of their choices: nothing is overwritten, nothing is lost."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vlmcli.batch.sorting import Sorter, Sorting
from vlmcli.errors import OutputError, UsageError

Run = Callable[..., Any]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def a_file(name: str, content: str = "picture") -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(content)
    return name


def move(name: str, choice: str, place: str = "out/{choice}") -> Path | None:
    return Sorter(Sorting(place, moves=True), dry=False).put(name, choice)


def test_a_picture_moves(tmp_path: Path) -> None:
    assert move(a_file("in/a.png"), "login") == Path("out/login/a.png")
    assert not Path("in/a.png").exists()
    assert Path("out/login/a.png").read_text() == "picture"
    assert move("in/a.png", "login") is None  # again


def test_what_is_there_stays() -> None:
    a_file("out/x/a.png", "other")
    a_file("out/x/a-2.png", "another")
    assert move(a_file("in/a.png"), "x") == Path("out/x/a-3.png")
    assert [Path(f"out/x/a{n}.png").read_text() for n in ("", "-2", "-3")] == ["other", "another", "picture"]


@pytest.mark.parametrize("choice", ["../up", "..", ".", "a/b", "/etc", "x\ny", "\x1b[31m", "c:\\d", " "])
def test_a_label_leads_nowhere_else(choice: str, tmp_path: Path) -> None:
    place = move(a_file("in/a.png"), choice)
    assert place is not None
    assert place.resolve().parent.parent == tmp_path / "out"
    assert "\n" not in str(place)
    assert "\x1b" not in str(place)


@pytest.mark.parametrize("name", ["a\nb.png", "\x1b[31mred.png", "ä\udcff.png", "-rf", ".hidden.png", "no extension"])
def test_odd_names_are_kept(name: str) -> None:
    assert move(a_file(f"in/{name}"), "x") == Path("out/x") / name
    assert Path(f"out/x/{name}").read_text() == "picture"


def test_a_move_that_was_cut_off_is_brought_to_its_end() -> None:
    """Between its two steps the picture has two names."""
    a_file("in/a.png")
    Path("out/x").mkdir(parents=True)
    os.link("in/a.png", "out/x/a.png")
    assert move("in/a.png", "x") == Path("out/x/a.png")
    assert os.listdir("in") == []
    assert os.listdir("out/x") == ["a.png"]


def test_a_picture_that_lies_there_already_is_not_lost() -> None:
    a_file("out/x/a.png")
    os.symlink("out", "same")
    assert move("out/x/a.png", "x") is None
    assert move("same/x/a.png", "x") is None
    assert Path("out/x/a.png").read_text() == "picture"


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EPERM])
def test_to_another_disk(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    a_file("out/x/a.png", "other")
    assert move(a_file("in/a.png"), "x") == Path("out/x/a-2.png")
    assert sorted(os.listdir("out/x")) == ["a-2.png", "a.png"]
    assert Path("out/x/a-2.png").read_text() == "picture"
    assert not Path("in/a.png").exists()


def test_a_full_disk_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EXDEV, "other disk")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr("shutil.copy2", full)
    with pytest.raises(OutputError, match="no space left"):
        move(a_file("in/a.png"), "x")
    assert Path("in/a.png").read_text() == "picture"
    assert os.listdir("out/x") == []


def test_a_place_that_is_a_file() -> None:
    a_file("out")
    with pytest.raises(OutputError):
        move(a_file("in/a.png"), "x")
    assert Path("in/a.png").exists()


def test_a_link_is_moved_as_a_link() -> None:
    a_file("real/a.png")
    Path("in").mkdir()
    os.symlink("../real/a.png", "in/a.png")
    assert move("in/a.png", "x") == Path("out/x/a.png")
    assert Path("out/x/a.png").read_text() == "picture"
    assert Path("real/a.png").exists()
    assert not os.path.lexists("in/a.png")


def test_two_names_of_one_file_are_two_pictures() -> None:
    a_file("in/x/a.png")
    Path("in/y").mkdir()
    os.link("in/x/a.png", "in/y/a.png")
    sorter = Sorter(Sorting("out/{choice}", moves=True), dry=False)
    assert sorter.put("in/x/a.png", "x") == Path("out/x/a.png")
    assert sorter.put("in/y/a.png", "x") == Path("out/x/a-2.png")
    assert sorted(os.listdir("out/x")) == ["a-2.png", "a.png"]


@pytest.mark.parametrize("dry", [True, False])
def test_links_to_pictures_that_move_lead_to_where_they_are_then(dry: bool) -> None:
    a_file("in/b.png")
    for link in ("a", "c"):
        os.symlink("b.png", f"in/{link}.png")
    sorter = Sorter(Sorting("out/{choice}", moves=True), dry)
    chosen = sorter.in_order((f"in/{name}.png", "x") for name in "abc")
    assert [str(sorter.put(*each)) for each in chosen] == ["out/x/b.png", "out/x/a.png", "out/x/c.png"]
    if not dry:
        assert {Path(f"out/x/{name}.png").read_text() for name in "abc"} == {"picture"}
        assert os.listdir("in") == []


def test_a_link_to_nothing_stays_and_is_said() -> None:
    Path("in").mkdir()
    os.symlink("gone.png", "in/a.png")
    with pytest.raises(OutputError, match="leads to a file that is gone"):
        move("in/a.png", "x")
    assert os.path.islink("in/a.png")


def test_links_are_made_once() -> None:
    a_file("in/a.png")
    a_file("in/more/a.png", "other")
    sorter = Sorter(Sorting("out/{choice}/", moves=False), dry=False)
    assert sorter.put("in/a.png", "x") == Path("out/x/a.png")
    assert sorter.put("in/more/a.png", "x") == Path("out/x/a-2.png")
    assert sorter.put("in/a.png", "x") is sorter.put("in/more/a.png", "x") is None
    assert Path("out/x/a-2.png").read_text() == "other"
    assert Path("in/a.png").exists()


def test_a_dry_run_touches_nothing() -> None:
    sorter = Sorter(Sorting("out/{choice}", moves=True), dry=True)
    assert sorter.put(a_file("in/a.png"), "x") == Path("out/x/a.png")
    assert sorter.put(a_file("in/b/a.png"), "x") == Path("out/x/a-2.png")
    assert os.listdir(".") == ["in"]


def test_a_place_without_a_choice() -> None:
    with pytest.raises(UsageError, match="has no"):
        Sorting("out/", moves=True)


def test_the_command_sorts(vlm: Run, draw: Callable[..., Path]) -> None:
    for name, colour in (("in/a.png", "red"), ("in/b.png", "blue"), ("in/sub/a.png", "red")):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        draw(name, colour, ["white square center"])
    command = ["ask", "in", "-r", "What colour is the background?", "--choices", "red,blue", "--model", "demo"]
    command += ["--move-to", "out/{choice}/", "-o", "kinds.csv"]
    dry = vlm(*command, "--dry-run")
    assert dry.stdout.splitlines() == [
        "in/a.png -> out/red/a.png",
        "in/b.png -> out/blue/b.png",
        "in/sub/a.png -> out/red/a-2.png",
    ]
    assert not Path("out").exists()
    assert vlm(*command).code == 0
    found = sorted(str(path) for path in Path("out").rglob("*.png"))
    assert found == ["out/blue/b.png", "out/red/a-2.png", "out/red/a.png"]
    assert not list(Path("in").rglob("*.png"))
    assert len(Path("kinds.csv").read_text().splitlines()) == 4


def test_the_command_sorts_links_and_second_names(vlm: Run, draw: Callable[..., Path]) -> None:
    for folder in ("in", "in/sub"):
        Path(folder).mkdir()
    draw("in/b.png", "red", ["white square center"])
    os.symlink("b.png", "in/a.png")
    os.link("in/b.png", "in/sub/b.png")
    command = ["ask", "in", "-r", "What colour is the background?", "--choices", "red,blue", "--model", "demo"]
    assert "3 moved" in vlm(*command, "--move-to", "out/{choice}/").stderr
    assert sorted(os.listdir("out/red")) == ["a.png", "b-2.png", "b.png"]
    assert Path("out/red/a.png").resolve() == Path("out/red/b.png").resolve()


@pytest.mark.parametrize("extension", [".txt", "+.txt"])
def test_sidecars_move_with_their_pictures(vlm: Run, draw: Callable[..., Path], extension: str) -> None:
    for name in ("in/a.png", "in/sub/a.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        draw(name, "red", ["white square center"])
    command = ["ask", "in", "-r", "What colour is the background?", "--choices", "red,blue", "--model", "demo"]
    command += ["--sidecar", extension]
    assert vlm(*command).code == 0  # the pictures have their texts, and are sorted all the same
    assert vlm(*command, "--move-to", "out/{choice}/").code == 0
    between = ".png" if extension.startswith("+") else ""
    assert sorted(os.listdir("out/red")) == sorted(["a.png", "a-2.png", f"a{between}.txt", f"a-2{between}.txt"])
    assert os.listdir("in/sub") == []
    elsewhere = draw("in/b.png", "red", ["white square center"])
    assert vlm(*command, "--move-to", "out/{choice}/", "--sidecar-dir", "texts").code == 0
    assert (Path("texts/in") / f"b{between}.txt").exists()
    assert not elsewhere.exists()


def test_a_picture_keeps_off_the_sidecar_of_another() -> None:
    a_file("out/x/a.txt", "of another")
    a_file("in/a.txt", "mine")
    for dry in (True, False):
        sorter = Sorter(Sorting("out/{choice}", moves=True), dry, lambda path: path.with_suffix(".txt"))
        assert sorter.put(a_file("in/a.png"), "x") == Path("out/x/a-2.png")
    assert Path("out/x/a-2.txt").read_text() == "mine"
    assert Path("out/x/a.txt").read_text() == "of another"


def test_single_pages_are_refused_before_any_work(vlm: Run) -> None:
    from PIL import Image

    Image.new("RGB", (32, 32)).save("doc.tif", save_all=True, append_images=[Image.new("RGB", (32, 32), "red")])
    sort = ["ask", "doc.tif", "--pages", "all", "What?", "--choices", "a,b", "--model", "demo", "-o", "x.jsonl"]
    for command in ([*sort, "--move-to", "out/{choice}"], ["ocr", "doc.tif", "--sidecar", ".txt", "--model", "demo"]):
        result = vlm(*command)
        assert (result.code, "doc.tif#page=1 is a page of doc.tif" in result.stderr) == (7, True)
        assert '"text": ""' in Path("x.jsonl").read_text()
    assert vlm("ocr", "doc.tif", "--sidecar", ".txt", "--model", "demo", "--frame", "1").code == 0
    assert Path("doc.txt").exists()
    assert vlm(*sort, "--retry-failed").code == 0
    answered = vlm(*sort, "--move-to", "out/{choice}")
    assert (answered.code, "doc.tif#page=1 is a page" in answered.stderr) == (7, True)


def test_without_a_file_the_choices_are_printed(vlm: Run, draw: Callable[..., Path]) -> None:
    for name, colour in (("a.png", "red"), ("b.png", "blue")):
        draw(name, colour, ["white square center"])
    command = ["What colour is the background?", "--choices", "red,blue", "--model", "demo"]
    several = vlm("ask", "a.png", "b.png", *command)
    linked = vlm("ask", "a.png", "b.png", *command, "--link-to", "out/{choice}/")
    assert (linked.code, linked.stdout) == (0, several.stdout)
    moved = vlm("ask", "a.png", *command, "--move-to", "in/{choice}/", "--quiet")
    assert moved == (0, "red\n", "")
    assert Path("in/red/a.png").exists()


def test_standard_input_cannot_be_moved(vlm: Run, picture: str) -> None:
    command = ["ask", "-", "What?", "--choices", "a,b", "--move-to", "x/{choice}/", "--model", "demo"]
    result = vlm(*command, stdin=Path(picture).read_bytes())
    assert (result.code, result.stdout) == (2, "")
    assert result.stderr.startswith("vlm: Standard input is no file that can be moved or linked.\n  ")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--choices", "a,b", "--move-to", "x/"], "has no {choice}"),
        (["--move-to", "x/{choice}"], "is about choices"),
        (["--choices", "a,b", "--move-to", "x/{choice}", "--link-to", "x/{choice}"], "not both"),
        (["--choices", "a,b", "--move-to", "x/{choice}", "-q", "One?", "-q", "Two?"], "several questions"),
        (["--choices", "a,b", "--move-to", "x/{choice}", "--together"], "cannot be sorted"),
    ],
)
def test_what_makes_no_sense(vlm: Run, picture: str, more: list[str], words: str) -> None:
    question = [] if "-q" in more else ["What?"]
    result = vlm("ask", picture, *question, "--model", "demo", *more)
    assert (result.code, result.stdout) == (2, "")
    assert words in result.stderr


def test_a_list_with_several_questions_about_a_picture_is_not_sorted(vlm: Run, picture: str) -> None:
    lines = [json.dumps({"picture": picture, "question": question}) for question in ("One?", "Two?")]
    Path("list.jsonl").write_text("\n".join(lines))
    for place in (["--choices", "a,b", "--move-to", "x/{choice}/"], ["--sidecar", ".txt"]):
        result = vlm("ask", "--from-jsonl", "list.jsonl", "--model", "demo", *place)
        assert (result.code, result.stdout) == (2, "")
        assert Path(picture).exists()
