"""data: URIs and the clipboard."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote_from_bytes

import pytest
from PIL import Image, ImageGrab

from vlmcli import images
from vlmcli.errors import NotAPicture, PictureNotFound, PictureUnreadable

RED = Image.new("RGB", (2, 1), (255, 0, 0))


# --- data: ------------------------------------------------------------------------------------------------


def spelled(png):
    text = b64encode(png).decode()
    return {
        "base64": f"data:image/png;base64,{text}",
        "a type that is not true": f"data:text/html;charset=x;base64,{text}",
        "no type": f"data:;base64,{text}",
        "upper case": f"DATA:image/png;BASE64,{text}",
        "no padding": f"data:image/png;base64,{text.rstrip('=')}",
        "line breaks": f"data:image/png;base64,{text[:20]}\n {text[20:]}",
        "percent in base64": f"data:image/png;base64,{text.replace('=', '%3D').replace('+', '%2B')}",
        "url-safe": f"data:image/png;base64,{urlsafe_b64encode(png).decode()}",
        "percent": f"data:image/png,{quote_from_bytes(png)}",
    }


@pytest.mark.parametrize("how", list(spelled(b"")))
def test_a_data_uri(how, encoded):
    uri = spelled(encoded(RED, "PNG"))[how]
    assert images.looks_like_picture(uri)
    ref = images.resolve(uri)
    assert images.load(ref).rgb == b"\xff\0\0\xff\0\0"
    assert ref.name == uri[:60] + "…", "not the whole of it in every heading"


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [
        ("data:image/png;base64", "data:image/png;base64 is not a data: URI: it has no comma."),
        ("data:image/png;base64,%%%", "data:image/png;base64,%%% is not valid base64."),
        ("data:image/png;base64,A", "data:image/png;base64,A is not valid base64."),
        ("data:,", "data:, is empty: there is no picture in it."),
        ("data:,some%20words", "data:,some%20words is not a picture: it seems to be plain text."),
        ("data:image/svg+xml,<svg/>", "data:image/svg+xml,<svg/> is an SVG drawing, made of lines and not of pixels."),
    ],
)
def test_a_data_uri_that_is_none(uri, sentence):
    with pytest.raises(NotAPicture) as caught:
        images.load(images.resolve(uri))
    assert caught.value.sentence == sentence
    assert "{" not in caught.value.hint


# --- clipboard: -------------------------------------------------------------------------------------------


@pytest.fixture
def clipboard(monkeypatch):
    def holds(content):
        def grab():
            if isinstance(content, Exception):
                raise content
            return content

        monkeypatch.setattr(ImageGrab, "grabclipboard", grab)

    return holds


def test_the_picture_in_the_clipboard(clipboard):
    clipboard(RED)
    ref = images.resolve("clipboard:")
    clipboard(None)
    assert images.load(ref).rgb == b"\xff\0\0\xff\0\0", "taken when it was named"
    assert ref.name == "clipboard:"


def test_a_file_in_the_clipboard(clipboard, tmp_path):
    RED.save(tmp_path / "a.png")
    clipboard([str(tmp_path / "a.png")])
    assert images.load(images.resolve("clipboard:")).name == str(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("content", "error", "sentence"),
    [
        (None, PictureNotFound, "There is no picture in the clipboard."),
        (["a.png", "b.png"], PictureNotFound, "The clipboard holds 2 files, not a picture."),
        (
            ChildProcessError("xclip error: no\nway"),
            PictureUnreadable,
            r"The clipboard cannot be read (xclip error: no\nway).",
        ),
    ],
)
def test_what_is_no_picture(clipboard, content, error, sentence):
    clipboard(content)
    with pytest.raises(error) as caught:
        images.resolve("clipboard:")
    assert (caught.value.sentence, bool(caught.value.hint)) == (sentence, True)


@pytest.mark.parametrize(
    ("display", "sentence"),
    [
        ({}, "There is no clipboard here: this shell has no display."),
        ({"DISPLAY": ":0"}, "The clipboard cannot be read without xclip, which is not installed."),
        ({"WAYLAND_DISPLAY": "w"}, "The clipboard cannot be read without wl-clipboard, which is not installed."),
    ],
)
def test_no_clipboard_on_linux(clipboard, monkeypatch, display, sentence):
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in display.items():
        monkeypatch.setenv(name, value)
    clipboard(NotImplementedError("wl-paste or xclip is required"))
    with pytest.raises(PictureUnreadable) as caught:
        images.resolve("clipboard:")
    assert caught.value.sentence == sentence
