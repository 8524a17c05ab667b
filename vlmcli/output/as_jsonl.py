"""--format jsonl: one line a record, written as soon as it is whole.

In the order in which the answers come, not of the jobs: each line names its picture and question, and a finished
answer that waited for a slow neighbour could be lost to a crash.
"""

from __future__ import annotations

from vlmcli.core import Record
from vlmcli.output.record_json import dump_json, record_to_dict
from vlmcli.output.settings import OutputSettings
from vlmcli.output.sink import Sink
from vlmcli.output.whole_records import WholeRecords


class JsonlFormat(WholeRecords):
    in_order = False

    def __init__(self, settings: OutputSettings, sink: Sink) -> None:
        self._sink = sink

    def done(self, job: int, record: Record) -> list[str]:
        self._sink.write(dump_json(record_to_dict(record), ascii_only=not self._sink.is_unicode) + "\n")
        return []

    def close(self, complete: bool) -> None:
        pass
