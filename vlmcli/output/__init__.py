"""Events -> what the user sees. A new format is one file and one line in `WRITERS`.

    with open_writer(OutputSettings(format="jsonl", jobs=3)) as writer:
        for event in events:
            writer.emit(event)

stdout is the answer, stderr the conversation about it. Nothing heavy is imported here: rich comes in `screen.py`, when
a person is looking.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from vlmcli.errors import UsageError
from vlmcli.output.as_csv import CsvFormat
from vlmcli.output.as_imagefolder import METADATA_NAME, ImagefolderFormat
from vlmcli.output.as_json import JsonFormat
from vlmcli.output.as_jsonl import JsonlFormat
from vlmcli.output.as_markdown import MarkdownFormat
from vlmcli.output.as_template import TemplateFormat
from vlmcli.output.as_text import TextFormat
from vlmcli.output.notes import print_error
from vlmcli.output.sanitize import clean_text, show_name
from vlmcli.output.settings import OutputSettings
from vlmcli.output.sink import Sink, open_sink
from vlmcli.output.streams import is_terminal, silence_stdout
from vlmcli.output.writer import Format, Writer

__all__ = [
    "WRITERS",
    "OutputSettings",
    "Writer",
    "check_format",
    "clean_text",
    "format_of",
    "is_terminal",
    "open_writer",
    "print_error",
    "show_name",
    "silence_stdout",
]


@dataclass(frozen=True, slots=True)
class Kind:
    """A format by its name: who writes it, and which files are meant for it."""

    open: Callable[[OutputSettings, Sink], Format]
    extensions: tuple[str, ...] = ()
    file_name: str = ""
    """The one name, whatever its extension, that a file of this format must have."""
    task: str = ""
    """The one task whose answers it can show."""


def _open_html(settings: OutputSettings, sink: Sink) -> Format:
    from vlmcli.output.as_html import HtmlFormat  # half of what importing all formats would take

    return HtmlFormat(settings, sink)


def _open_hocr(settings: OutputSettings, sink: Sink) -> Format:
    from vlmcli.output.as_hocr import HocrFormat

    return HocrFormat(settings, sink)


WRITERS: dict[str, Kind] = {
    "text": Kind(TextFormat, (".txt",)),
    "json": Kind(JsonFormat, (".json",)),
    "jsonl": Kind(JsonlFormat, (".jsonl", ".ndjson")),
    "csv": Kind(CsvFormat, (".csv",)),
    "markdown": Kind(MarkdownFormat, (".md", ".markdown")),
    "html": Kind(_open_html, (".html", ".htm")),
    "hocr": Kind(_open_hocr, (".hocr",), task="ocr"),
    "imagefolder": Kind(ImagefolderFormat, file_name=METADATA_NAME),
}


def open_writer(settings: OutputSettings, stdout: TextIO | None = None, stderr: TextIO | None = None) -> Writer:
    """A writer for these settings; its place is proven to be writable now, before any model runs.

    Raises UsageError for an unknown format or a template of unknown fields, OutputError for a place that cannot be
    written.
    """
    open_format = resolve_format(settings)
    sink = open_sink(settings.path, sys.stdout if stdout is None else stdout)
    try:
        form = open_format(settings, sink)
    except BaseException:
        sink.discard()
        raise
    return Writer(settings, form, sink, sys.stderr if stderr is None else stderr)


def resolve_format(settings: OutputSettings) -> Callable[[OutputSettings, Sink], Format]:
    """The template; else the named format; else the one of the file's extension; else text."""
    if settings.template is not None:
        if settings.format is not None:
            raise UsageError("--template is a format of its own and cannot be given with --format.", "Leave one out")
        return TemplateFormat
    name = _name_of(settings)
    if name not in WRITERS:
        raise UsageError(f"There is no format {show_name(name)}.", f"One of: {', '.join(WRITERS)}")
    return WRITERS[name].open


def check_format(settings: OutputSettings, task: str) -> None:
    """Raises UsageError for a format that cannot show the answers of this task."""
    kind = None if settings.template is not None else WRITERS.get(_name_of(settings))
    if kind and kind.task not in ("", task):
        raise UsageError(f"{_name_of(settings)} is what vlm {kind.task} reads on a page.", f"vlm {kind.task} PICTURE…")


def _name_of(settings: OutputSettings) -> str:
    return settings.format or format_of(settings.path)


def format_of(path: str | Path | None) -> str:
    """The format that a file's name asks for, as a key of `WRITERS`; text where it asks for none."""
    path = Path(path or "")
    named = [name for name, kind in WRITERS.items() if kind.file_name and path.name == kind.file_name]
    extended = [name for name, kind in WRITERS.items() if path.suffix.lower() in kind.extensions]
    return next(iter(named + extended), "text")
