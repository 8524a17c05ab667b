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


class CsvFormat:
    in_order = True
    streams = False

    def __init__(self, settings: OutputSettings, sink: Sink) -> None:
        self._sink = sink
        self._several = settings.several
        self._end = line_end(translated=isinstance(sink, StreamSink) and os.linesep == "\r\n")

    def warm(self) -> None:
        pass

    def text(self, job: int, text: str) -> None:
        pass

    def done(self, job: int, record: Record) -> list[str]:
        flat = flatten(record)
        self._write([self._row(list(COLUMNS))] * self._sink.is_empty + [self._row([flat[name] for name in COLUMNS])])
        return []

    def close(self, complete: bool) -> None:
        if self._several and self._sink.is_empty and complete:
            self._write([self._row(list(COLUMNS))])

    def _row(self, values: list[Value]) -> str:
        return ",".join(cell(value) for value in values) + self._end

    def _write(self, rows: list[str]) -> None:
        self._sink.write("".join(rows))


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
