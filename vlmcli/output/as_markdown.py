"""--format markdown: a document with a heading for each picture, the picture itself and what was said about it.

    ## cat.jpg

    ![cat.jpg](pictures/cat.jpg)

    A black cat on a wall.

Questions stand in bold before their answers, several of one picture under one heading. What failed or is not whole
says so in a quotation. The document keeps its shape whatever a model says: see `markdown_source.py`.
"""

from __future__ import annotations

import os
from pathlib import Path

from vlmcli.core import Record
from vlmcli.errors import VlmError
from vlmcli.output.console import is_windows
from vlmcli.output.doubt import ranked
from vlmcli.output.markdown_source import escape, fenced, link, tame
from vlmcli.output.notes import cut_short_why
from vlmcli.output.sanitize import clean_text
from vlmcli.output.settings import OutputSettings
from vlmcli.output.sink import Sink
from vlmcli.output.whole_records import WholeRecords

_ASKED = "ask"
"""The task whose question is the user's own, and part of the document."""


class MarkdownFormat(WholeRecords):
    def __init__(self, settings: OutputSettings, sink: Sink) -> None:
        self._settings = settings
        self._sink = sink
        self._folder = os.path.dirname(os.path.abspath(settings.path or "x"))
        self._under: tuple[str, ...] = ()

    def done(self, job: int, record: Record) -> list[str]:
        names = tuple(picture.name for picture in record.pictures)
        parts = [] if names == self._under and not self._sink.is_empty else self._heading(record)
        parts += [part for part in self._answer(record) if part]
        self._sink.write("" if self._sink.is_empty else "\n")
        self._sink.write("\n\n".join(parts) + "\n")
        self._under = names
        return []

    def close(self, complete: bool) -> None:
        pass

    def _heading(self, record: Record) -> list[str]:
        images = [f"![{escape(p.name)}]({to})" for p in record.pictures if (to := self._link(p.name))]
        shown = record.error is None or any(picture.width for picture in record.pictures)
        return [f"## {escape(record.name)}", *([" ".join(images)] if images and shown else [])]

    def _link(self, name: str) -> str:
        """Where the document finds the picture; empty for one that is neither a file nor on the web."""
        if name.startswith(("https://", "http://")):
            return link(name, url=True)
        if not os.path.isfile(name):
            return ""
        if os.path.isabs(name):
            return Path(name).as_uri() if is_windows() else link(name)  # C: would be taken for a scheme
        return link(os.path.relpath(name, self._folder))

    def _answer(self, record: Record) -> list[str]:
        question = " ".join(clean_text(record.question).split()) if record.task == _ASKED else ""
        parts = [f"**{escape(question)}**"] if question else []
        if record.error is not None:
            sentence = record.error.sentence if isinstance(record.error, VlmError) else str(record.error)
            return [*parts, f"> **Failed:** {escape(sentence)}"]
        text = clean_text(record.text).strip("\n").rstrip()
        parts.append(tame(text.lstrip()) if self._settings.markdown else fenced(text) if text else "")
        if self._settings.probs:
            parts.append("\n".join(f"- {escape(label)}: {share:.3f}" for label, share in ranked(record)))
        return [*parts, f"> Cut short: {escape(cut_short_why(record))}" if record.cut_short else ""]
