"""--format imagefolder, or -o DIR/metadata.jsonl: a folder of pictures as a data set of Hugging Face's `datasets`.

    {"file_name": "cats/a.jpg", "text": "A cat."}

`datasets.load_dataset("imagefolder", data_dir=DIR)` reads the pictures below DIR with what this file, which must lie in
DIR under this name, says of each. A line for each picture that was answered, with these two fields and no others:
`file_name` is relative to DIR, with `/`. A picture that does not lie below DIR cannot have one, and a picture has one
line only.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from vlmcli.core import Record
from vlmcli.errors import OutputError
from vlmcli.output.record_json import dump_json
from vlmcli.output.sanitize import clean_text, show_name
from vlmcli.output.settings import OutputSettings
from vlmcli.output.sink import Sink
from vlmcli.output.whole_records import WholeRecords

METADATA_NAME = "metadata.jsonl"


class ImagefolderFormat(WholeRecords):
    def __init__(self, settings: OutputSettings, sink: Sink) -> None:
        """Raises OutputError for a file of another name: the data set would have no texts."""
        self._sink = sink
        self._folder = folder_of(settings.path)
        self._written = set[str]()

    def done(self, job: int, record: Record) -> list[str]:
        if record.error is not None:
            return []
        try:
            name = file_name_of(record.name, self._folder)
        except OutputError as error:
            return [f"vlm: {show_name(error.sentence)}"]
        if name in self._written:
            return [
                f"vlm: {show_name(record.name)} has a line in {METADATA_NAME} already: a picture has one text there."
            ]
        line = {"file_name": name, "text": clean_text(record.text).strip()}
        self._sink.write(dump_json(line, ascii_only=not self._sink.is_unicode) + "\n")
        self._written.add(name)
        return []

    def close(self, complete: bool) -> None:
        pass


class Lines:
    """Which question the one line of each picture answers. To be asked before the model is."""

    def __init__(self, folder: str, answered: Callable[[], Iterable[tuple[str, str]]]) -> None:
        """`answered`: pictures and questions of the lines that are there."""
        self._folder, self._answered = folder, answered
        self._questions: dict[str, str] | None = None

    def claim(self, name: str, question: str) -> None:
        """Raises OutputError for a picture that can have no line, or has one with another answer."""
        file_name_of(name, self._folder)
        if self._questions is None:
            self._questions = dict(self._answered())
        if self._questions.setdefault(name, question) != question:
            raise OutputError(
                f"{show_name(name)} has a line in {METADATA_NAME} already, which answers another question.",
                "Replace what is there: --overwrite\nKeep it: name another file, as -o answers.jsonl",
            )


def folder_of(path: str | Path | None) -> str:
    """The folder of the data set: that of the file, or the working one for standard output. Raises OutputError."""
    if path is None or str(path) in ("-", "/dev/stdout"):
        return os.getcwd()
    folder, name = os.path.split(os.path.abspath(path))
    if name != METADATA_NAME:
        raise OutputError(
            f"{show_name(str(path))} would not be found: of an imagefolder the file is called {METADATA_NAME}.",
            f"-o {os.path.join(os.path.dirname(str(path)), METADATA_NAME)}",
        )
    return folder


def file_name_of(name: str, folder: str) -> str:
    """The `file_name` of a picture in the data set at `folder`. Raises OutputError where it can have none.

    To be asked before the model is, so that no answer is computed that has no place.
    """
    if not os.path.isfile(name):
        raise OutputError(
            f"{show_name(name)} has no line in {METADATA_NAME}: it is no picture in a file.",
            "Put it into the folder of the data set first.",
        )
    inside = _inside(os.path.abspath(name), folder) or _inside(os.path.realpath(name), os.path.realpath(folder))
    if not inside:
        raise OutputError(
            f"{show_name(name)} has no line in {METADATA_NAME}: it does not lie in {show_name(folder)}.",
            f"Write {METADATA_NAME} into the folder that all the pictures are in.",
        )
    try:
        inside.encode()
    except UnicodeError as error:
        raise OutputError(
            f"{show_name(name)} has no line in {METADATA_NAME}: its name is no UTF-8.", "Rename it."
        ) from error
    return inside


def _inside(path: str, folder: str) -> str:
    """`path` relative to `folder`, with `/`; empty when it is not below it."""
    if os.path.splitdrive(path)[0] != os.path.splitdrive(folder)[0]:
        return ""
    relative = os.path.relpath(path, folder)
    return "" if relative.split(os.sep)[0] == os.pardir else relative.replace(os.sep, "/")
