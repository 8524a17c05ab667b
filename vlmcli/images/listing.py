"""Files that name pictures: a list of names, and a list of pictures with a question each."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from vlmcli.errors import UsageError
from vlmcli.images.sources import clipboard, data_uri, remote, url
from vlmcli.images.words import printable, quoted

_PICTURE_KEYS = ("picture", "image", "file_name")
STDIN = "-"
_STDIN_NAMES = frozenset({STDIN, "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"})
_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Question:
    """One line of a list with questions."""

    picture: str
    question: str
    relative: str
    """The picture as the list has it: there patterns and shards hold."""


def is_stdin(path: str | os.PathLike[str] | None) -> bool:
    """Whether a list is standard input, by whatever name."""
    return path is not None and os.fspath(path) in _STDIN_NAMES


def can_be_read_again(path: str | os.PathLike[str]) -> bool:
    """Whether a list is a file. What a pipe (`<(find …)`) gives to one reader, another never sees."""
    return os.path.isfile(path) and not os.fspath(path).startswith(("/dev/", "/proc/"))


def iter_names(path: str, null: bool = False) -> Iterator[str]:
    """The names in a list as they come: one a line, or each before a NUL (`null`). `-` is standard input.

    Names are taken as they are, spaces and asterisks included; empty lines are passed over. UsageError when the list
    cannot be read or is empty.
    """
    first = True
    for piece in _pieces(path, b"\0" if null else b"\n"):
        name = piece.removeprefix(b"\xef\xbb\xbf") if first else piece
        name = name if null else name.removesuffix(b"\r")
        if not name.strip():
            continue
        if first and not null and b"\0" in name:
            raise UsageError(f"{_called(path)} has NUL characters in it.", "Say that NUL ends a name: -0")
        first = False
        yield os.fsdecode(name)
    if first:
        raise UsageError(f"{_called(path)} names no picture.", "One name a line, or -0 where NUL ends a name.")


def _pieces(path: str, end: bytes) -> Iterator[bytes]:
    """What stands between the ends, as soon as it has come."""
    with _explained(path, "--from-file"), _opened(path, "--from-file") as file:
        read, rest = getattr(file, "read1", file.read), b""
        while chunk := read(_CHUNK_BYTES):
            *whole, rest = (rest + chunk).split(end)
            yield from whole
        yield rest


def read_questions(path: str) -> list[Question]:
    """The lines of a JSONL file, each `{"picture": "a.png", "question": "What?"}`; other fields are passed over.

    A relative name is one in the file's own folder. UsageError about the first line that is not of this form.
    """
    folder = "" if path == STDIN else os.path.dirname(path)
    text = _read(path, "--from-jsonl").decode("utf-8-sig", "replace")
    found = [_question(path, number, line, folder) for number, line in _lines(text)]
    if not found:
        raise UsageError(f"{_called(path)} is empty.", '{"picture": "a.png", "question": "What is this?"}')
    return found


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Only a line feed ends a line: JSON may have other separators within its strings."""
    return ((number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip())


def _question(path: str, number: int, line: str, folder: str) -> Question:
    where = f"{_called(path)}, line {number},"
    hint = '{"picture": "a.png", "question": "What is this?"}'
    try:
        fields: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where} is not JSON.", hint) from error
    if not isinstance(fields, dict):
        raise UsageError(f"{where} is not an object.", hint)
    picture = next((fields[key] for key in _PICTURE_KEYS if key in fields), None)
    question = fields.get("question")
    for name, value in (("picture", picture), ("question", question)):
        if not isinstance(value, str) or not value.strip():
            raise UsageError(f'{where} has no "{name}", or it is not a text.', hint)
    return Question(_beside(folder, str(picture)), str(question).strip(), str(picture))


def _beside(folder: str, name: str) -> str:
    sources = (url.SOURCE, data_uri.SOURCE, clipboard.SOURCE, remote.SOURCE)
    if any(source.matches(name) for source in sources):
        return name
    return os.path.join(folder or os.curdir, name) if folder or name == STDIN else name


def _read(path: str, option: str) -> bytes:
    with _explained(path, option), _opened(path, option) as file:
        return file.read()


def _opened(path: str, option: str) -> contextlib.AbstractContextManager[BinaryIO]:
    """Standard input is read past Python's buffer: who waits there on another thread must not keep that locked."""
    if path != STDIN:
        return open(path, "rb")
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(f"{option} - is standard input, and that is a terminal.", f"ls *.jpg | vlm … {option} -")
    try:
        return cast(BinaryIO, open(sys.stdin.fileno(), "rb", buffering=0, closefd=False))
    except OSError:  # no real file
        return contextlib.nullcontext(sys.stdin.buffer)


@contextlib.contextmanager
def _explained(path: str, option: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{option} {printable(path)} cannot be read: {said}.", f"ls {quoted(path)}") from error


def _called(path: str) -> str:
    return "Standard input" if path == STDIN else printable(path)
