"""From what was typed to bytes: what is there, what is not, and what each is called."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import time

import pytest
from PIL import Image

from vlmcli import images
from vlmcli.core import ImageRef
from vlmcli.errors import NotAPicture, PictureIsFolder, PictureNotFound, PictureTooLarge, PictureUnreadable, UsageError
from vlmcli.images.sources import SOURCES, reading
from vlmcli.images.words import printable

CAT = b"these bytes are the picture"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cat.jpg").write_bytes(CAT)
    return tmp_path


def stdin_of(monkeypatch, data, tty=False):
    stream = io.BytesIO(data)
    stream.isatty = lambda: tty
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(stream)))
    monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": stream})())


def fails(error, argument):
    with pytest.raises(error) as caught:
        images.read(images.resolve(argument))
    assert type(caught.value) is error
    return caught.value.sentence, caught.value.hint


# --- files ------------------------------------------------------------------------------------------------


def test_a_file(folder):
    ref = images.resolve("cat.jpg")
    assert ref == ImageRef("cat.jpg", "file", ref.path)
    assert str(ref.path) == "cat.jpg"
    assert images.read(ref) == CAT
    assert images.read(images.resolve(folder / "cat.jpg")) == CAT


def test_no_such_file_and_the_one_that_was_meant(folder):
    assert fails(PictureNotFound, "cta.jpg") == ("There is no file cta.jpg.", "Did you mean cat.jpg?")
    assert fails(PictureNotFound, "CAT.JPG") == ("There is no file CAT.JPG.", "Did you mean cat.jpg?")
    meant = f"Did you mean {folder}/cat.jpg?"
    assert fails(PictureNotFound, f"{folder}/cat.jpeg") == (f"There is no file {folder}/cat.jpeg.", meant)
    assert fails(PictureNotFound, "zebra.png") == ("There is no file zebra.png.", "See what is there: ls .")
    assert fails(PictureNotFound, "no/zebra.png")[1] == "There is no folder no either."


@pytest.mark.parametrize("name", ["", "cat.jpg/inside", "x" * 5000, "nul\0.png", "\ud800.png"])
def test_names_that_no_file_can_have(folder, name):
    sentence, _ = fails(PictureNotFound, name)
    assert sentence.isprintable()
    assert len(sentence) < 300


def test_resolve_says_it_before_anything_is_read(folder, monkeypatch):
    monkeypatch.setattr("builtins.open", lambda *a, **k: pytest.fail("read"))
    assert images.resolve("cat.jpg").name == "cat.jpg"
    with pytest.raises(PictureNotFound):
        images.resolve("dog.jpg")
    with pytest.raises(PictureIsFolder):
        images.resolve(".")


def test_a_link_to_nowhere(folder):
    os.symlink("gone.jpg", "link.jpg")
    assert fails(PictureNotFound, "link.jpg")[0] == "link.jpg is a link to gone.jpg, which does not exist."
    os.symlink("loop", "loop")
    assert fails(PictureUnreadable, "loop")[0].startswith("loop cannot be read: ")


def test_a_folder(folder):
    (folder / "my pets").mkdir()
    sentence, hint = fails(PictureIsFolder, "my pets")
    assert sentence == "my pets is a folder, not a picture."
    assert hint == "Take the pictures in it: -r 'my pets'"


def test_no_permission(folder, monkeypatch):
    def refused(*args, **kwargs):
        raise PermissionError(13, "Permission denied", "cat.jpg")

    ref = images.resolve("cat.jpg")
    monkeypatch.setattr("builtins.open", refused)
    with pytest.raises(PictureUnreadable) as caught:
        images.read(ref)
    assert caught.value.sentence == "cat.jpg may not be read: permission denied."
    assert caught.value.hint == "See who may: ls -l cat.jpg"


def test_a_disk_error(folder, monkeypatch):
    def broken(*args, **kwargs):
        raise OSError(5, "Input/output error", "cat.jpg")

    ref = images.resolve("cat.jpg")
    monkeypatch.setattr("builtins.open", broken)
    with pytest.raises(PictureUnreadable) as caught:
        images.read(ref)
    assert caught.value.sentence == "cat.jpg cannot be read: Input/output error."


def test_never_more_than_the_limit(folder, monkeypatch):
    monkeypatch.setattr(reading, "MAX_BYTES", len(CAT))
    assert images.read(images.resolve("cat.jpg")) == CAT
    monkeypatch.setattr(reading, "MAX_BYTES", len(CAT) - 1)
    assert "cat.jpg is too large: more than" in fails(PictureTooLarge, "cat.jpg")[0]


# --- devices and pipes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_refused_unopened(device):
    assert fails(NotAPicture, device)[0] == f"{device} is a device, not a picture."


def test_a_named_pipe_with_a_writer_that_comes_late_and_writes_slowly(folder):
    os.mkfifo("pipe")

    def write():
        time.sleep(0.05)
        with open("pipe", "wb") as pipe:
            time.sleep(0.1)
            pipe.write(CAT[:5])
            pipe.flush()
            time.sleep(0.1)
            pipe.write(CAT[5:])

    writer = threading.Thread(target=write)
    writer.start()
    assert images.read(images.resolve("pipe")) == CAT
    writer.join()


def test_a_named_pipe_that_nobody_writes_to_does_not_hang(folder, monkeypatch):
    monkeypatch.setattr(reading, "WRITER_WAIT_S", 0.1)
    os.mkfifo("pipe")
    assert fails(NotAPicture, "pipe")[0] == "pipe is empty: there is no picture in it."


def test_process_substitution(folder):
    code = "import sys; from vlmcli import images; sys.stdout.buffer.write(images.read(images.resolve(sys.argv[1])))"
    command = f'"{sys.executable}" -c "{code}" <(sleep 0.1; cat cat.jpg)'
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run(["bash", "-c", command], capture_output=True, env=environment, check=False)
    assert (done.stdout, done.stderr) == (CAT, b"")


def test_a_pipe_under_dev_fd_that_has_ended_is_not_waited_for():
    out, into = os.pipe()
    os.close(into)
    start = time.monotonic()
    try:
        assert fails(NotAPicture, f"/dev/fd/{out}")[0] == f"/dev/fd/{out} is empty: there is no picture in it."
    finally:
        os.close(out)
    assert time.monotonic() - start < 1


# --- standard input ---------------------------------------------------------------------------------------


def test_standard_input(monkeypatch):
    stdin_of(monkeypatch, CAT)
    ref = images.resolve("-")
    assert ref == ImageRef("-", "stdin")
    assert images.read(ref) == CAT


def test_standard_input_without_a_picture_in_it(monkeypatch):
    stdin_of(monkeypatch, b"")
    assert fails(NotAPicture, "-")[0] == "Standard input was empty: there is no picture in it."
    stdin_of(monkeypatch, b"just words")
    with pytest.raises(NotAPicture, match=r"^Standard input is not a picture: it seems to be plain text\.$"):
        images.load(images.resolve("-"))


def test_standard_input_that_is_a_terminal_or_closed(monkeypatch):
    stdin_of(monkeypatch, b"", tty=True)
    with pytest.raises(PictureUnreadable, match="standard input, and that is a terminal"):
        images.resolve("-")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(PictureUnreadable, match="standard input, and that is closed"):
        images.resolve("-")


def test_standard_input_twice(folder, monkeypatch):
    stdin_of(monkeypatch, CAT)
    assert [r.name for r in images.resolve_all(["-", "cat.jpg"])] == ["-", "cat.jpg"]
    with pytest.raises(UsageError, match="named twice"):
        images.resolve_all(["-", "cat.jpg", "-"])


def test_a_file_that_is_called_like_standard_input(folder):
    (folder / "-").write_bytes(CAT)
    assert images.resolve("./-").kind == "file"


# --- the Python API ---------------------------------------------------------------------------------------


def test_pictures_in_memory():
    assert images.read(images.resolve(CAT)) == images.read(images.resolve(bytearray(CAT))) == CAT
    assert images.read(images.resolve(memoryview(CAT))) == CAT
    assert fails(NotAPicture, b"")[0] == "<bytes> is empty: there is no picture in it."
    ref = images.resolve(Image.new("RGB", (2, 1), "red"))
    assert (ref.name, ref.kind) == ("<image>", "memory")
    assert hash(ref)
    assert images.load(ref).rgb == b"\xff\0\0\xff\0\0"
    assert images.resolve(b"x") != images.resolve(b"y")


@pytest.mark.parametrize("thing", [None, 5, ["cat.jpg"], object()])
def test_what_is_no_picture_at_all(thing):
    with pytest.raises(UsageError, match=f"not a value of type {type(thing).__name__}"):
        images.resolve(thing)


def test_the_kinds_of_the_table_differ():
    assert len({s.kind for s in SOURCES}) == len(SOURCES)


# --- names ------------------------------------------------------------------------------------------------


def test_other_schemes_are_refused_with_the_way_round():
    sentence, hint = fails(PictureUnreadable, "ftp://example.org/a.png")
    assert sentence.startswith("ftp://example.org/a.png is not read: of URLs only http, https, data: and those of ")
    assert hint == "Save the picture as a file and name that."
    assert fails(PictureUnreadable, "file:///tmp/a%20b.png")[1] == "Name the file itself: '/tmp/a b.png'"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("katze ä 猫 🐈.jpg", "katze ä 猫 🐈.jpg"),
        ("two\nlines\t.jpg", r"two\nlines\t.jpg"),
        ("\x1b[31mred\x9b", r"\x1b[31mred\x9b"),
        ("right\u202eleft", r"right\u202eleft"),
        (os.fsdecode(b"latin\xe9.jpg"), r"latin\xe9.jpg"),
        ("\ud800", r"\ud800"),
    ],
)
def test_every_name_is_printable_in_a_sentence(name, shown, folder):
    assert printable(name) == shown
    sentence, hint = fails(PictureNotFound, name)
    assert sentence == f"There is no file {shown}."
    assert hint.isprintable()


def test_an_undecodable_name_can_be_read(folder):
    name = os.fsdecode(b"caf\xe9\n.jpg")
    with open(os.fsencode(name), "wb") as file:
        file.write(b"text")
    with pytest.raises(NotAPicture) as caught:
        images.load(images.resolve(name))
    assert caught.value.sentence == r"caf\xe9\n.jpg is not a picture: it seems to be plain text."
    assert caught.value.hint == r"Check the file with: file 'caf\xe9\n.jpg'"


@pytest.mark.parametrize(
    ("argument", "picture"),
    [
        ("cat.jpg", True),
        ("folder", True),
        ("-", True),
        ("gone.jpg", True),
        ("holiday/gone", True),
        ("https://example.org/a b", True),
        ("HTTP://EXAMPLE.ORG", True),
        ("data:image/png;base64,xyz", True),
        ("clipboard:", True),
        ("what is this?", False),
        ("Is cat.jpg and/or dog.png here", False),
        ("what?", False),
        ("colour", False),
        ("Why.", False),
        ("", False),
        ("x" * 5000, False),
        ("nul\0", False),
    ],
)
def test_a_picture_or_a_question(argument, picture, folder):
    (folder / "folder").mkdir()
    assert images.looks_like_picture(argument) is picture


def test_a_file_that_is_called_like_a_question(folder):
    (folder / "what is this").write_bytes(CAT)
    assert images.looks_like_picture("what is this")
