"""Folders, and patterns that the shell did not expand: which pictures, in which order."""

from __future__ import annotations

import os
import sys

import pytest

from vlmcli.images import expanding
from vlmcli.images.formats import FORMATS
from vlmcli.images.names import EXTENSIONS, natural
from vlmcli.images.sources.promise import FailedRef


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A folder `h` with pictures, other files, hidden ones, folders, and links that go round."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "h/b.JPG",
        "h/a.png",
        "h/notes.txt",
        "h/.hidden.png",
        "h/.thumbs/x.png",
        "h/sub/page-10.tif",
        "h/sub/page-2.tif",
        "h/sub/deep/z.webp",
        "h/zero/c.heic",
        "other.png",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    os.symlink("..", "h/sub/loop")
    os.symlink(".", "h/self")
    os.symlink("../other.png", "h/link.png")
    os.symlink("gone.png", "h/dead.png")
    return tmp_path


ALL = ["h/a.png", "h/b.JPG", "h/dead.png", "h/link.png"]
ALL += ["h/sub/page-2.tif", "h/sub/page-10.tif", "h/sub/deep/z.webp", "h/zero/c.heic"]


def names(*arguments, recursive=False):
    return [each if isinstance(each, str) else each.error.sentence for each in _expand(arguments, recursive)]


def _expand(arguments, recursive):
    return [named.name for named in expanding.expand_named(arguments, recursive)]


# --- folders ----------------------------------------------------------------------------------------------


def test_a_walk_takes_pictures_by_name_in_natural_order(tree):
    assert names("h", recursive=True) == ALL
    assert names("h/", "other.png", recursive=True) == [*ALL, "other.png"]


def test_without_recursive_a_folder_stays_itself(tree):
    assert names("h") == ["h"]


def test_a_hidden_folder_that_is_named_is_walked(tree):
    assert names("h/.thumbs", recursive=True) == ["h/.thumbs/x.png"]


def test_links_that_go_round_in_many_ways(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for one in "abcde":
        os.makedirs(f"f/{one}")
        for other in "abcde":
            os.symlink(f"../{other}", f"f/{one}/to-{other}")
    (tmp_path / "f/c/picture.png").touch()
    assert len(names("f", recursive=True)) == 1
    assert len(names("f/**/*.png")) == 1


def test_a_folder_without_pictures(tree):
    (tree / "empty").mkdir()
    (failure,) = _expand(["empty"], recursive=True)
    assert isinstance(failure, FailedRef)
    assert failure.error.sentence == "There are no pictures in empty."
    assert failure.error.hint == "See what is there: ls empty"


def test_a_folder_that_may_not_be_read_is_said_and_the_rest_is_taken(tree, monkeypatch):
    real = os.scandir

    def refuse(path):
        if str(path).endswith("zero"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert names("h", recursive=True) == [*ALL[:-1], "The folder h/zero cannot be read: permission denied."]


def test_a_folder_deeper_than_python_recurses(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.makedirs("d/" * 200 + "d")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(150)
    try:
        assert names("d", recursive=True) == ["There are no pictures in d."]
    finally:
        sys.setrecursionlimit(limit)


def test_names_that_are_no_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with open(b"caf\xe9.png", "wb"):
        pass
    assert names(".", recursive=True) == [os.path.join(".", os.fsdecode(b"caf\xe9.png"))]


# --- patterns ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("h/*.png", ["h/a.png", "h/dead.png", "h/link.png"]),
        ("h/[ab].*", ["h/a.png", "h/b.JPG"]),
        ("h/sub/page-?.tif", ["h/sub/page-2.tif"]),
        ("h/sub/*.tif", ["h/sub/page-2.tif", "h/sub/page-10.tif"]),
        ("h/*.txt", ["h/notes.txt"]),
        ("h/*", ALL[:4]),
        ("h/**", ALL),
        ("h/**/*.tif", ["h/sub/page-2.tif", "h/sub/page-10.tif"]),
        ("**/*.webp", ["h/sub/deep/z.webp"]),
        ("*/sub/**/*.webp", ["h/sub/deep/z.webp"]),
        ("**/deep/**", ["h/sub/deep/z.webp"]),
        ("*.png", ["other.png"]),
        ("h/.*.png", ["h/.hidden.png"]),
        ("h/*.gif", ["No file matches h/*.gif."]),
        ("gone/*.gif", ["No file matches gone/*.gif."]),
    ],
)
def test_a_pattern(tree, pattern, expected):
    assert names(pattern) == expected


def test_an_absolute_pattern(tree):
    assert names(f"{tree}/h/**/*.webp") == [f"{tree}/h/sub/deep/z.webp"]


def test_folders_that_match_are_walked_only_with_recursive(tree):
    assert names("h/s*") == ["No file matches h/s*."]
    assert names("h/sub/de*", recursive=True) == ["h/sub/deep/z.webp"]


def test_a_file_with_brackets_in_its_name_is_itself(tree):
    (tree / "photo[1].png").touch()
    (tree / "photo1.png").touch()
    assert names("photo[1].png") == ["photo[1].png"]


@pytest.mark.parametrize("name", ["https://example.org/a?b=*.png", "data:,[x]*", "-", "plain.png", "clipboard:"])
def test_what_is_no_pattern(tree, name):
    assert names(name) == [name]


def test_names_of_a_list_are_no_patterns(tree):
    found = expanding.expand_list(["h/*.png", "h/sub/deep"], recursive=True)
    assert [named.name for named in found] == ["h/*.png", "h/sub/deep/z.webp"]


# --- names ------------------------------------------------------------------------------------------------


def test_natural_order():
    unsorted = ["b", "a10", "a9", "a09", "10", "9", "a", "A", "é", "1.2", "1.10"]
    assert sorted(unsorted, key=natural) == ["1.2", "1.10", "9", "10", "A", "a", "a09", "a9", "a10", "b", "é"]


USUAL = {
    "JPEG": ".jpg",
    "TIFF": ".tif",
    "JPEG2000": ".jp2",
    "HEIF": ".heic",
}


@pytest.mark.parametrize(
    "format", [f.name for f in FORMATS if f.name != "PDF"]
)  # a document: only where all pages are read
def test_a_walk_takes_every_format(format):
    assert USUAL.get(format, f".{format.lower()}") in EXTENSIONS
