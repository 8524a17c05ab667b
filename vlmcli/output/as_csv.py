"""--format csv: a header and one row a record, as RFC 4180 has it, in the order of the jobs.

The columns are `COLUMNS`, named and valued as in `flat.py`: true and false, empty where there is nothing; no timings,
so that the same answers make the same file.

What a program reads without loss is jsonl; this is for spreadsheets, and so a cell that one would run as a formula
(`=HYPERLINK(…)`, read by ocr in a stranger's picture) gets an apostrophe before it. A number such as -5 does not.
"""

from __future__ import annotations

import os
import re

from vlmcli.core import Record
from vlmcli.output.flat import Value, flatten
from vlmcli.output.settings import OutputSettings
from vlmcli.output.sink import Sink, StreamSink
from vlmcli.output.whole_records import WholeRecords

COLUMNS = (
    "picture",
    "task",
    "question",
    "text",
    "stop_reason",
    "cut_short",
    "error",
    "error.kind",
    "model",
    "width",
    "height",
    "sha256",
    "tokens.prompt",
    "tokens.image",
    "tokens.answer",
)

_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*")
_QUOTED = re.compile(r'[",\r\n]|\A\s|\s\Z')


class CsvFormat(WholeRecords):
    def __init__(self, settings: OutputSettings, sink: Sink) -> None:
        self._sink = sink
        self._several = settings.several
        self._own = settings.columns
        self._columns: tuple[str, ...] | None = None
        self._waiting: list[dict[str, Value]] = []
        self._end = line_end(translated=isinstance(sink, StreamSink) and os.linesep == "\r\n")

    def done(self, job: int, record: Record) -> list[str]:
        """Which columns there are beside `COLUMNS` the first answer tells; what failed before it waits for it."""
        self._waiting.append(flatten(record))
        if self._columns is None and record.error is None:
            self._columns = (*COLUMNS, *(self._own or own_columns(record)))
        if self._columns is not None:
            self._write_waiting(self._columns)
        return []

    def close(self, complete: bool) -> None:
        if self._waiting or (self._several and self._sink.is_empty and complete):
            self._write_waiting(self._columns or (*COLUMNS, *self._own))

    def _write_waiting(self, columns: tuple[str, ...]) -> None:
        rows, self._waiting = self._waiting, []
        header = [self._row([_title(name) for name in columns])] * self._sink.is_empty
        self._write(header + [self._row([flat.get(name) for name in columns]) for flat in rows])

    def _row(self, values: list[Value]) -> str:
        return ",".join(cell(value) for value in values) + self._end

    def _write(self, rows: list[str]) -> None:
        self._sink.write("".join(rows))


def own_columns(record: Record) -> tuple[str, ...]:
    """Of its choices and their probabilities, or of the properties of its data."""
    if record.probabilities:
        return ("choice", *(f"probabilities.{label}" for label, _ in record.probabilities))
    return tuple(f"data.{name}" for name in record.data) if isinstance(record.data, dict) else ()


def _title(name: str) -> str:
    """A property stands under its own name, unless another column does already."""
    own = name.removeprefix("data.")
    return name if own in COLUMNS else own


def line_end(translated: bool) -> str:
    """What to write so that CR LF comes out; Windows' text streams put the CR before each newline by themselves."""
    return "\n" if translated else "\r\n"


def cell(value: Value) -> str:
    """One value, quoted where it must be, harmless to a spreadsheet."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text
