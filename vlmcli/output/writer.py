"""The writer: events in, words on stdout, the conversation about them on stderr."""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import Protocol, TextIO

from vlmcli.core import JobDone, JobEvent, JobNote, JobStage, JobText, JobThought, Record
from vlmcli.output.doubt import undecided_line
from vlmcli.output.notes import print_error, stats_line
from vlmcli.output.order import InOrder
from vlmcli.output.sanitize import show_name
from vlmcli.output.settings import OutputSettings
from vlmcli.output.sink import Sink, StreamSink
from vlmcli.output.spinner import Spinner
from vlmcli.output.streams import is_terminal, say

_STAGES = {"loading": "loading the model", "looking": "looking", "reading": "reading", "answering": "answering"}
_STAGES |= {"waiting": "waiting for the server", "thinking": "thinking"}


class Format(Protocol):
    """How records look. `text` comes only if it `streams`; `done` returns remarks for stderr.

    `thought` comes only where a person wants to see it.
    """

    in_order: bool
    streams: bool

    def warm(self) -> None:
        """The engine is busy: a good time to import what will be needed."""

    def text(self, job: int, text: str) -> None: ...
    def thought(self, job: int, text: str) -> None: ...
    def done(self, job: int, record: Record) -> list[str]: ...
    def close(self, complete: bool) -> None: ...


class Writer:
    """A context manager. Left by an exception it leaves the terminal clean, and keeps what is whole.

    Where the settings want all or none, a file is then as it was before.
    """

    def __init__(self, settings: OutputSettings, form: Format, sink: Sink, stderr: TextIO | None) -> None:
        self._settings = settings
        self._form = form
        self._sink = sink
        self._stderr = stderr
        self._order = InOrder()
        self._streams = settings.stream and form.streams and sink.streams
        self._on_terminal = isinstance(sink, StreamSink) and is_terminal(sink.stream)
        self._beside_terminal = isinstance(sink, StreamSink) and sink.stream.isatty()
        self._thinks_aloud = settings.thinking and self._on_terminal
        self._spinner = Spinner(stderr if self._may_spin() else None)
        self._stage = ""
        self._speaking = False
        self._done = 0
        self._closed = False

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is None:
            self.close()
        elif self._settings.all_or_none and not self._sink.streams:
            self._discard()
        else:
            with contextlib.suppress(Exception):  # the first error is the one to tell
                self._finish(complete=False)

    def emit(self, event: JobEvent) -> None:
        if isinstance(event, JobStage):
            self._spin(event.name, tile_words(event))
            self._form.warm()
            return
        if isinstance(event, JobNote):
            self._spinner.hide()
            if not self._settings.quiet:
                self._say(f"vlm: {show_name(event.text)}")
            return
        for ready in self._order.push(event) if self._form.in_order else [event]:
            self._show(ready)

    def close(self) -> None:
        """Everything was answered: keep it. Raises OutputError when that fails."""
        self._finish(complete=True)

    def _show(self, event: JobThought | JobText | JobDone) -> None:
        if isinstance(event, JobDone):
            self._show_record(event.job, event.record)
            return
        if isinstance(event, JobThought) and not (self._thinks_aloud and self._streams):
            self._spin("thinking")
            return
        if not self._streams or self._sink.aside:
            self._spin("answering")
        if self._streams and event.text:
            self._begin_output()
            self._speaking = not self._sink.aside
            say = self._form.thought if isinstance(event, JobThought) else self._form.text
            say(event.job, event.text)

    def _show_record(self, job: int, record: Record) -> None:
        self._done += 1
        self._begin_output()
        if record.thinking and self._thinks_aloud and not self._streams:
            self._form.thought(job, record.thinking)
        remarks = self._form.done(job, record) if self._belongs(record) else []
        self._sink.mark_whole()
        self._speaking = False
        self._tell(record, remarks)
        if self._settings.jobs is None or self._done < self._settings.jobs:
            self._spin(self._stage)

    def _belongs(self, record: Record) -> bool:
        """A file takes whole answers only: not one that Ctrl-C ended, nor the failure of a lone one."""
        if self._sink.streams:
            return True
        return record.stop_reason != "interrupted" and (record.error is None or self._settings.several)

    def _begin_output(self) -> None:
        if self._sink.aside:
            return
        self._spinner.hide()
        if not self._on_terminal:  # what reads the pipe may own the screen from now on
            self._spinner.close()

    def _tell(self, record: Record, remarks: list[str]) -> None:
        self._spinner.hide()
        if record.error is not None:
            print_error(record.error, self._stderr)
        if self._settings.quiet:
            return
        for remark in [undecided_line(record)] * record.undecided + remarks:
            self._say(remark)
        if self._settings.stats and record.error is None:
            self._say(stats_line(record, named=self._settings.several))

    def _say(self, line: str) -> None:
        if self._stderr is not None:
            say(line, self._stderr)

    def _spin(self, stage: str, tile: str = "") -> None:
        self._stage = stage
        if stage and not self._speaking:
            jobs = self._settings.jobs
            count = f" · {self._done + 1} of {jobs}" if jobs and jobs > 1 else ""
            words = f"{_STAGES.get(stage, stage)}…"
            self._spinner.say(words + tile + count, stage=words + count)

    def _may_spin(self) -> bool:
        """A person watches stderr; if stdout is a terminal too, it must be one that can take a line back."""
        if self._settings.quiet or not is_terminal(self._stderr):
            return False
        return self._on_terminal or not self._beside_terminal

    def _discard(self) -> None:
        self._closed = True
        self._spinner.close()
        self._sink.discard()

    def _finish(self, complete: bool) -> None:
        if self._closed:
            return
        self._closed = True
        self._spinner.close()
        try:
            if not complete:
                self._sink.rewind()
            for event in self._order.drain():
                self._show_record(event.job, event.record)
            self._form.close(complete)
            if complete:
                self._sink.mark_whole()
        except BaseException:
            self._sink.discard()
            raise
        if self._sink.commit() and not self._settings.quiet and is_terminal(self._stderr):
            self._say(f"wrote {show_name(str(self._settings.path))}")


def tile_words(stage: JobStage) -> str:
    """` tile 2 of 5` while the second is being looked at; nothing where there is but one, or nobody knows."""
    return f" tile {min(stage.done + 1, stage.total)} of {stage.total}" if stage.total > 1 else ""
