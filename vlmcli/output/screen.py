"""An answer on a terminal: Markdown, rendered as it grows. The only file that draws with rich.

A block (paragraph, list, table, code) is printed for good once the next one has begun; only the block in progress is
redrawn, and of that only the lines that changed: nothing flickers, and nothing is repeated in the scrollback.
"""

from __future__ import annotations

import re
import time

from rich.console import Console
from rich.theme import Theme

from vlmcli.output.live_area import LiveArea
from vlmcli.output.markdown import AnswerMarkdown, drop_beginnings, split_blocks, split_finished
from vlmcli.output.sink import StreamSink
from vlmcli.output.streams import fit, terminal_size
from vlmcli.output.widths import widest
from vlmcli.output.wrapping import wrapped

_DIM, _NOT_DIM = "\x1b[2m", "\x1b[22m"
_FRAME_S = 0.05
_WORK_SHARE = 4  # draw at most a fourth of the time, however long the block is
_TRIES = 3
_TAIL = re.compile(r"(?:\x1b\[[\d;]*m|[ \t])+\Z")
_THEME = Theme({"markdown.code": "cyan", "markdown.code_block": "none", "markdown.h1": "bold underline"})


class MarkdownPage:
    def __init__(self, sink: StreamSink, live: bool) -> None:
        self._stream = sink.stream
        self._console = Console(
            file=sink.stream, theme=_THEME, markup=False, emoji=False, highlight=False, legacy_windows=False
        )
        self._area = LiveArea(sink.write)
        self._live = live
        self._pending = self._thought = ""
        self._thinks = False
        self._blocks = 0
        self._next_draw = 0.0

    def heading(self, words: str, first: bool) -> None:
        with self._console.capture() as capture:
            self._console.print(f"==> {words} <==", style="bold", soft_wrap=True, end="")
        self._area.commit(([] if first else [""]) + capture.get().split("\n"), self._columns)
        self._blocks = 0

    def think(self, text: str) -> None:
        """Dim and as it is; a line is printed for good once the next one has begun."""
        self._thought += fit(self._stream, text).replace("\t", " ")
        *finished, self._thought = self._thought.split("\n")
        for line in finished:
            self._area.commit(self._dimmed(line), self._columns)
            self._thinks = True
        if self._live and time.monotonic() >= self._next_draw and self._thought.strip():
            columns, rows = terminal_size(self._stream)
            self._area.draw(self._dimmed(self._thought)[-max(rows - 1, 1) :], columns)
            self._next_draw = time.monotonic() + _FRAME_S

    def _end_thinking(self) -> None:
        rest, self._thought = self._thought, ""
        if rest.strip():
            self._area.commit(self._dimmed(rest), self._columns)
            self._thinks = True
        if self._thinks:
            self._area.commit([""], self._columns)
        self._thinks = False

    def _dimmed(self, line: str) -> list[str]:
        """A line of thinking, in as many lines as the screen needs."""
        return [f"{_DIM}{part}{_NOT_DIM}" if part else "" for part in wrapped(line, self._columns)]

    def add(self, text: str) -> None:
        self._end_thinking()
        self._pending += fit(self._stream, text)  # now, not when it is written: … takes three columns in ASCII
        if "\n" in text:
            finished, self._pending = split_finished(self._pending)
            if finished:
                self._commit(finished)
        if self._live and time.monotonic() >= self._next_draw:
            self._draw()

    def end(self) -> None:
        self._end_thinking()
        rest, self._pending = self._pending, ""
        if rest.strip() or not self._blocks:
            self._commit(rest)
        self._blocks = 0

    @property
    def _columns(self) -> int:
        return terminal_size(self._stream).columns

    def _draw(self) -> None:
        began = time.monotonic()
        columns, rows = terminal_size(self._stream)
        lines = self._render(drop_beginnings(self._pending), columns)
        self._area.draw(lines[-max(rows - 1, 1) :], columns)
        now = time.monotonic()
        self._next_draw = now + max(_FRAME_S, _WORK_SHARE * (now - began))

    def _commit(self, text: str) -> None:
        columns = self._columns
        self._area.commit(self._render(text, columns), columns)
        self._blocks += 1

    def _render(self, text: str, columns: int) -> list[str]:
        """Lines with their colours, no wider than the screen, no spaces at their ends; a gap between blocks."""
        lines = [line for block in split_blocks(text) for line in ["", *self._render_block(block, columns)]]
        return lines if self._blocks else lines[1:]

    def _render_block(self, text: str, columns: int) -> list[str]:
        """A table or code is set narrower where a terminal might take more columns for it than rich counts."""
        width = columns
        for _ in range(_TRIES):
            lines = self._render_width(text, width)
            needed = max(map(widest, lines))
            if needed <= columns:
                break
            width = max(width * columns // needed, 1)
        return lines

    def _render_width(self, text: str, columns: int) -> list[str]:
        with self._console.capture() as capture:
            self._console.print(AnswerMarkdown(text), width=columns)
        lines = [_TAIL.sub(_close, line) for line in capture.get().split("\n")]
        while len(lines) > 1 and not lines[-1]:
            lines.pop()
        while len(lines) > 1 and not lines[0]:
            lines.pop(0)
        return lines


def _close(tail: re.Match[str]) -> str:
    """What stays of the spaces and colours at the end of a line."""
    return "\x1b[0m" if tail.start() and "\x1b" in tail[0] else ""
