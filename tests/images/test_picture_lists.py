"""Lists of pictures in files, and how commands make references of arguments, lists and options."""

from __future__ import annotations

import io
import os
import sys

import pytest
from PIL import Image

from vlmcli import images
from vlmcli.cli.pictures import Sources, find_pictures, picture_names
from vlmcli.errors import PictureError, PictureNotFound, UsageError
from vlmcli.images.listing import Question, iter_names, read_questions


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkdir("sub")
    for name in ("a.png", "b c.png", "sub/d.png"):
        Image.new("RGB", (2, 1), "red").save(name)
    return tmp_path


@pytest.fixture
def stdin(monkeypatch):
    def holds(data):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return holds


def names(*arguments, **options):
    return [ref.name for ref in find_pictures(arguments, Sources(**options))]


# --- --from-file ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "null", "expected"),
    [
        (b"a.png\nb c.png\n", False, ["a.png", "b c.png"]),
        (b"a.png\r\nb c.png", False, ["a.png", "b c.png"]),
        (b"\xef\xbb\xbfa.png\n\n \nb.png\n", False, ["a.png", "b.png"]),
        (b" a.png \n#b.png\n*.png\n", False, [" a.png ", "#b.png", "*.png"]),
        (b"a.png\0two\nlines.png\0", True, ["a.png", "two\nlines.png"]),
        (b"caf\xe9.png\n", False, [os.fsdecode(b"caf\xe9.png")]),
    ],
)
def test_a_list(folder, data, null, expected):
    (folder / "list").write_bytes(data)
    assert list(iter_names("list", null)) == expected


def test_a_list_on_standard_input(stdin):
    stdin(b"a.png\nb.png\n")
    assert list(iter_names("-")) == ["a.png", "b.png"]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "list names no picture."),
        (b"\n \n", "list names no picture."),
        (b"a.png\0b.png\0", "list has NUL characters in it."),
    ],
)
def test_a_list_that_is_none(folder, data, sentence):
    (folder / "list").write_bytes(data)
    with pytest.raises(UsageError) as caught:
        list(iter_names("list"))
    assert caught.value.sentence == sentence
    assert caught.value.hint


def test_a_list_that_is_not_there(folder):
    with pytest.raises(UsageError, match=r"^--from-file gone cannot be read: No such file or directory\.$"):
        list(iter_names("gone"))
    with pytest.raises(UsageError, match=r"^--from-file sub cannot be read: Is a directory\.$"):
        list(iter_names("sub"))


def test_a_list_from_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": lambda self: True})())
    with pytest.raises(UsageError, match="standard input, and that is a terminal"):
        list(iter_names("-"))


# --- --from-jsonl -----------------------------------------------------------------------------------------


def test_questions(folder):
    (folder / "sub" / "q.jsonl").write_text(
        '{"picture": "d.png", "question": "What?", "id": 7}\n\n'
        '{"image": "../a.png", "question": " Why?\\n"}\n'
        '{"file_name": "/x/y.png", "question": "\u2028?"}\n'
        '{"picture": "https://example.org/a.png", "question": "Où?"}\n',
        encoding="utf-8",
    )
    assert read_questions("sub/q.jsonl") == [
        Question("sub/d.png", "What?", "d.png"),
        Question("sub/../a.png", "Why?", "../a.png"),
        Question("/x/y.png", "?", "/x/y.png"),
        Question("https://example.org/a.png", "Où?", "https://example.org/a.png"),
    ]


def test_questions_on_standard_input_are_about_the_current_folder(stdin):
    stdin(b'{"picture": "d.png", "question": "What?"}')
    assert read_questions("-") == [Question("d.png", "What?", "d.png")]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("picture,question", "is not JSON."),
        ('{"picture": "a.png"', "is not JSON."),
        ("[" * 100_000, "is not JSON."),
        ('["a.png", "What?"]', "is not an object."),
        ('{"question": "What?"}', 'has no "picture", or it is not a text.'),
        ('{"picture": ["a.png"], "question": "What?"}', 'has no "picture", or it is not a text.'),
        ('{"picture": "a.png"}', 'has no "question", or it is not a text.'),
        ('{"picture": "a.png", "question": " "}', 'has no "question", or it is not a text.'),
    ],
)
def test_a_bad_line_is_one_sentence_with_its_number(folder, line, sentence):
    (folder / "q.jsonl").write_text('{"picture": "a.png", "question": "What?"}\n\n' + line)
    with pytest.raises(UsageError) as caught:
        read_questions("q.jsonl")
    assert caught.value.sentence == f"q.jsonl, line 3, {sentence}"


def test_no_questions(folder):
    (folder / "q.jsonl").write_text("\n")
    with pytest.raises(UsageError, match=r"^q\.jsonl is empty\.$"):
        read_questions("q.jsonl")


# --- what a command makes of it ---------------------------------------------------------------------------


def test_arguments_come_before_the_list(folder):
    (folder / "list").write_text("b c.png\nsub\n")
    assert names("a.png", from_file="list", recursive=True) == ["a.png", "b c.png", "sub/d.png"]


def test_a_folder_in_place_among_others(folder):
    assert names("sub", "*.png", recursive=True) == ["sub/d.png", "a.png", "b c.png"]


def test_one_that_is_missing_fails_alone_or_later(folder):
    with pytest.raises(PictureNotFound, match=r"^There is no file gone\.png\.$"):
        find_pictures(["gone.png"])
    with pytest.raises(PictureNotFound, match=r"^No file matches \*\.gif\.$"):
        find_pictures(["*.gif"])
    good, gone, nothing = find_pictures(["a.png", "gone.png", "*.gif"])
    assert images.load(good).width == 2
    for ref, sentence in ((gone, "There is no file gone.png."), (nothing, "No file matches *.gif.")):
        with pytest.raises(PictureNotFound) as caught:
            images.load(ref)
        assert caught.value.sentence == sentence
    with pytest.raises(PictureNotFound):
        find_pictures(["a.png", "gone.png"], all_or_none=True)


def test_what_fails_later_says_the_same_also_when_the_file_has_come(folder):
    _, gone = find_pictures(["a.png", "late.png"])
    os.rename("a.png", "late.png")
    with pytest.raises(PictureNotFound):
        images.load(gone)


def test_standard_input_is_only_one_thing(folder, stdin):
    stdin(b"a.png\n")
    with pytest.raises(UsageError, match="cannot be both the list and a picture"):
        picture_names(["-"], Sources(from_file="-"))


def test_null_without_a_list_and_no_picture_at_all(folder):
    with pytest.raises(UsageError, match=r"^--null is about a list"):
        picture_names(["a.png"], Sources(null=True))
    with pytest.raises(UsageError, match=r"^Missing argument 'PICTURE…'\.$"):
        picture_names(None)


def test_the_wishes_reach_the_pictures(folder):
    ref, other = find_pictures(["a.png", "b c.png"], Sources(frame=2))
    assert (ref.name, str(other.path)) == ("a.png", "b c.png")
    with pytest.raises(PictureError, match=r"^a\.png has one frame, and no frame 2\.$"):
        images.load(ref)
    Image.effect_noise((64, 64), 60).save("noise.png")
    data = (folder / "noise.png").read_bytes()
    (folder / "cut.png").write_bytes(data[: len(data) // 2])
    (plain,) = find_pictures(["cut.png"])
    (cut,) = find_pictures(["cut.png"], Sources(allow_truncated=True))
    with pytest.raises(PictureError, match="ends too early"):
        images.load(plain)
    assert images.load(cut).height == 64
