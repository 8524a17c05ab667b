"""--format json: one object for one job, an array in the order of the jobs for several."""

from __future__ import annotations

from vlmcli.core import Record
from vlmcli.output.record_json import dump_json, record_to_dict
from vlmcli.output.settings import OutputSettings
from vlmcli.output.sink import Sink
from vlmcli.output.whole_records import WholeRecords


class JsonFormat(WholeRecords):
    def __init__(self, settings: OutputSettings, sink: Sink) -> None:
        self._sink = sink
        self._array = settings.several

    def done(self, job: int, record: Record) -> list[str]:
        text = dump_json(record_to_dict(record), ascii_only=not self._sink.is_unicode, indent=2)
        if self._array:
            text = ("[\n  " if self._sink.is_empty else ",\n  ") + text.replace("\n", "\n  ")
        else:
            text += "\n"
        self._sink.write(text)
        return []

    def close(self, complete: bool) -> None:
        if self._array and (complete or not self._sink.is_empty):
            self._sink.write("[]\n" if self._sink.is_empty else "\n]\n")
