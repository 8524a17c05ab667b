"""What bytes that are no picture seem to be, so that the sentence can say it."""

from __future__ import annotations

import re

from vlmcli.core import ImageRef
from vlmcli.errors import NotAPicture
from vlmcli.images.words import called, quoted

_CONVERT = "Make a PNG or JPEG of it first."

# The first that matches the beginning of the file: (pattern, what it is, hint). {file} is the name for a shell.
_KINDS: tuple[tuple[bytes, str, str], ...] = (
    (rb"%!PS|\xc5\xd0\xd3\xc6", "is a PostScript drawing, made of lines and not of pixels", _CONVERT),
    (
        rb"version https://git-lfs\.github\.com/",
        "is a Git LFS pointer: the picture itself was not downloaded",
        "Fetch it with: git lfs pull --include {file}",
    ),
    (
        rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!doctype svg[^>]*>\s*)?<svg\b",
        "is an SVG drawing, made of lines and not of pixels",
        "Make pixels of it first: rsvg-convert {file} -o drawing.png",
    ),
    (
        rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype html|html|head|body)\b",
        "is not a picture: it seems to be a web page",
        "The page has taken the place of the picture; use the address of the picture itself.",
    ),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "is a JPEG XL picture, a format that is not read", _CONVERT),
    (
        rb"....ftyp|\x1aE\xdf\xa3|RIFF....AVI ",
        "is not a picture: it seems to be a video",
        "Take one picture out of it.",
    ),
    (rb"GGUF", "is not a picture: it seems to be a GGUF model", "Name a model with --model."),
    (
        rb"PK\x03\x04|\x1f\x8b|7z\xbc\xaf|Rar!|\x28\xb5\x2f\xfd|BZh|\xfd7zXZ",
        "is not a picture: it seems to be an archive",
        "Unpack it first.",
    ),
    (rb"\x7fELF|MZ", "is not a picture: it seems to be a program", ""),
    (rb"ID3|OggS|fLaC|RIFF....WAVE", "is not a picture: it seems to be a sound", ""),
    (rb"\s*[{\[]\s*[\"{\[\]}]", "is not a picture: it seems to be JSON", ""),
    (rb"\s*<\?xml", "is not a picture: it seems to be XML", ""),
    (rb"\0{16}", "is not a picture: it begins with nothing but zero bytes", "Copy or download it again."),
)
_PATTERNS = tuple((re.compile(p, re.DOTALL | re.IGNORECASE), what, hint) for p, what, hint in _KINDS)


def not_a_picture(ref: ImageRef, data: bytes) -> NotAPicture:
    """The error for `data`, which no picture format begins like."""
    file = quoted(ref.name)
    for pattern, what, hint in _PATTERNS:
        if pattern.match(data[:4096]):
            if ref.kind != "file" and "{file}" in hint:
                hint = _CONVERT
            return NotAPicture(f"{called(ref)} {what}.", hint.format(file=file) or _look(ref))
    if _is_text(data[:4096]):
        return NotAPicture(f"{called(ref)} is not a picture: it seems to be plain text.", _look(ref))
    return NotAPicture(
        f"{called(ref)} is not a picture of a known format: its first bytes are {data[:8].hex(' ')}.", _look(ref)
    )


def _look(ref: ImageRef) -> str:
    return f"Check the file with: file {quoted(ref.name)}" if ref.kind == "file" else _CONVERT


def _is_text(start: bytes) -> bool:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    try:
        text = start.decode()
    except UnicodeDecodeError as error:
        if error.start < len(start) - 3:  # not merely a character cut at the end of the piece
            return False
        text = start[: error.start].decode()
    return all(c.isprintable() or c in "\t\n\r\f\x1b" for c in text)
