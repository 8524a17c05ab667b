"""--format text: the answers as words, streamed; Markdown rendered where a person is looking."""

from __future__ import annotations

import os
import re
from typing import Protocol

from vlmcli.core import Record
from vlmcli.output.doubt import choice_lines, explanation, marked
from vlmcli.output.notes import begun_again_line, cut_short_line
from vlmcli.output.sanitize import Cleaner, clean_text, show_name
from vlmcli.output.settings import OutputSettings
from vlmcli.output.sink import Sink, StreamSink
from vlmcli.output.streams import is_terminal

_DIM, _NOT_DIM = "\x1b[2m", "\x1b[22m"
_UNFINISHED = re.compile(r"(?:\s|[\u200d\ufe0f\u2600-\u27bf\U0001f000-\U0001faff])*\Z")


class Page(Protocol):
    """Where the words of one answer after another are set. They come clean, in any pieces."""

    def heading(self, words: str, first: bool) -> None: ...
    def think(self, text: str) -> None: ...
    def add(self, text: str) -> None: ...
    def end(self) -> None: ...


class PlainPage:
    """The words as they are, and thinking dim before them. White space at the end of an answer is one newline.

    That is held back until more comes; and so is an emoji, which may be half a flag or the first of a family.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._held = ""
        self._thinks = False

    def heading(self, words: str, first: bool) -> None:
        self._sink.write(("" if first else "\n") + f"==> {words} <==\n")

    def think(self, text: str) -> None:
        if not self._thinks:
            self._sink.write(_DIM)
        self._thinks = True
        self._take(text)

    def add(self, text: str) -> None:
        self._end_thinking()
        self._take(text)

    def _end_thinking(self) -> None:
        if self._thinks:
            self._thinks, self._held = False, ""
            self._sink.write(f"{_NOT_DIM}\n\n")

    def _take(self, text: str) -> None:
        text = self._held + text
        words = text[: _UNFINISHED.search(text).start()]  # type: ignore[union-attr]
        self._held = text[len(words) :]
        if words:
            self._sink.write(words)

    def end(self) -> None:
        self._end_thinking()
        rest, self._held = self._held.rstrip(), ""
        self._sink.write(rest + "\n")


class TextFormat:
    in_order = True

    def __init__(self, settings: OutputSettings, sink: Sink) -> None:
        self._explains = settings.explain and isinstance(sink, StreamSink) and is_terminal(sink.stream)
        self.streams = not self._explains and (not settings.several or settings.heading is not None)
        self._settings = settings
        self._sink = sink
        self._page: Page | None = None
        self._job: int | None = None
        self._any = False
        self._cleaner, self._thinking = Cleaner(), Cleaner()
        self._said = ""

    def warm(self) -> None:
        """Import what is needed to draw, while the engine is busy and nobody waits for us."""
        if self._page is None:
            self._page = _open_page(self._settings, self._sink)

    def text(self, job: int, text: str) -> None:
        if job != self._job:
            self._begin(job, None)
        text = self._cleaner.feed(text)
        self._add(text if self._said else text.lstrip())

    def thought(self, job: int, text: str) -> None:
        if job != self._job:
            self._begin(job, None)
        assert self._page is not None
        self._page.think(self._thinking.feed(text))

    def done(self, job: int, record: Record) -> list[str]:
        if record.error is not None:
            self.close(complete=False)
            return []
        if record.undecided and not self._settings.probs:
            return []
        remarks = [cut_short_line(record)] if record.cut_short else []
        if record.task == "ocr" and not record.text.strip() and not self._said and not self._settings.several:
            self._job = None  # a page without text gives nothing, not even the end of a line
            return remarks
        if job != self._job:
            self._begin(job, record)
        whole = self._words_of(record)
        remarks += explanation(record) if self._explains else []
        if whole.startswith(self._said):
            self._add(whole[len(self._said) :])
        elif not self._said.startswith(whole):  # tried again: what was shown is not the answer
            self._begin(job, record)
            self._add(whole)
            remarks.append(begun_again_line(record))
        self._end()
        return remarks

    def _words_of(self, record: Record) -> str:
        if record.probabilities and self._settings.probs:
            return choice_lines(record)
        return marked(record) if self._explains else clean_text(record.text).strip()

    def close(self, complete: bool) -> None:
        if self._job is not None:
            self._end()

    def _begin(self, job: int, record: Record | None) -> None:
        self.close(complete=False)
        self.warm()
        assert self._page is not None
        self._job, self._said = job, ""
        self._cleaner, self._thinking = Cleaner(), Cleaner()
        if self._settings.several:
            words = self._settings.heading(job) if self._settings.heading else record.name if record else ""
            self._page.heading(show_name(words), first=not self._any)
        self._any = True

    def _add(self, text: str) -> None:
        assert self._page is not None
        self._said += text
        self._page.add(text)

    def _end(self) -> None:
        assert self._page is not None
        self._job = None
        self._page.end()


def _open_page(settings: OutputSettings, sink: Sink) -> Page:
    """Markdown for eyes; FORCE_COLOR in a pipe (`| less -R`) counts as eyes, but nothing is redrawn there."""
    if not settings.markdown or settings.explain or not isinstance(sink, StreamSink):
        return PlainPage(sink)
    forced = bool(os.environ.get("FORCE_COLOR")) and os.environ.get("TERM", "").lower() not in ("dumb", "unknown")
    if not forced and not is_terminal(sink.stream):
        return PlainPage(sink)
    from vlmcli.output.screen import MarkdownPage

    return MarkdownPage(sink, live=is_terminal(sink.stream))
