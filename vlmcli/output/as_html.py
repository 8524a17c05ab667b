"""--format html: one page to look through, with the answer under each picture.

A card a picture: its thumbnail, which is in the page and links to the picture itself, its name, and what was said;
several questions of one picture on one card. What failed says why. Cards are written as they come and never held, so
that a page of any length costs no memory here. Whatever a picture is called or a model says stays words: everything is
escaped, control characters are gone, and the text that runs from right to left cannot turn its neighbours round.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path

from vlmcli.core import Record
from vlmcli.errors import VlmError
from vlmcli.output.doubt import choice_lines
from vlmcli.output.html_page import escape, in_ascii, page_end, page_start
from vlmcli.output.markdown_source import link
from vlmcli.output.notes import cut_short_why
from vlmcli.output.sanitize import clean_text, show_name
from vlmcli.output.settings import OutputSettings
from vlmcli.output.sink import Sink
from vlmcli.output.whole_records import WholeRecords

_ASKED = "ask"
"""The task whose question is the user's own, and part of the page."""

_KINDS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png", b"RIFF": "image/webp"}
_CARD_END = "</div>\n</article>\n"


class HtmlFormat(WholeRecords):
    def __init__(self, settings: OutputSettings, sink: Sink) -> None:
        path = "" if settings.path in (None, "-") else str(settings.path)
        self._sink = sink
        self._folder = os.path.dirname(os.path.abspath(path or "x"))
        self._thumbnail = settings.thumbnail or (lambda name: None)
        self._several, self._probs = settings.several, settings.probs
        self._under: tuple[str, ...] | None = None
        self._records = self._failed = 0

    def done(self, job: int, record: Record) -> list[str]:
        failed = record.error is not None
        names = tuple(picture.name for picture in record.pictures)
        parts = [page_start(f"Pictures, seen by {show_name(record.model)}")] if self._sink.is_empty else []
        if names != self._under or failed:  # a failure has a card of its own, for its mark
            parts += [_CARD_END * (self._under is not None), self._card_start(record)]
        shares = choice_lines(record) if self._probs else ""
        self._write([*parts, _words(record), _paragraph(shares, "note") * bool(shares), _CARD_END * failed])
        self._under = None if failed else names
        self._records += 1
        self._failed += failed
        return []

    def close(self, complete: bool) -> None:
        if self._sink.is_empty and not (complete and self._several):
            return
        start = [page_start("Pictures")] if self._sink.is_empty else []
        self._write([*start, _CARD_END * (self._under is not None), page_end(self._records, self._failed)])

    def _card_start(self, record: Record) -> str:
        failed = ' class="failed"' * (record.error is not None)
        alone = len(record.pictures) == 1
        alt = clean_text(record.text).strip() if alone else ""
        pictures = "".join(self._picture(picture.name, alt or show_name(picture.name)) for picture in record.pictures)
        name = escape(show_name(record.name))
        return (
            f'<article{failed}>\n<div class="pictures">{pictures}</div>\n'
            f'<div class="words">\n<h2><bdi>{name}</bdi></h2>\n'
        )

    def _picture(self, name: str, alt: str) -> str:
        data = self._thumbnail(name)
        address = address_of(name, self._folder)
        if data is None:
            shown = '<span class="none">no picture to show</span>'
        else:
            shown = f'<img loading="lazy" decoding="async" alt="{escape(alt)}" src="{_data_uri(data)}">'
        return f'<a href="{escape(address)}" title="{escape(show_name(name))}">{shown}</a>' if address else shown

    def _write(self, parts: list[str]) -> None:
        text = "".join(parts)
        self._sink.write(text if self._sink.is_unicode else in_ascii(text))


def address_of(name: str, folder: str) -> str:
    """Where a page in `folder` finds the picture; empty for one that is neither a file nor on the web."""
    if name.startswith(("https://", "http://")):
        return link(name, url=True)
    if not os.path.isfile(name):
        return ""
    path = os.path.abspath(name)
    if os.path.splitdrive(path)[0] != os.path.splitdrive(folder)[0]:
        return Path(path).as_uri()
    return link(os.path.relpath(path, folder))


def _words(record: Record) -> str:
    question = clean_text(record.question).strip() if record.task == _ASKED else ""
    lines = [_paragraph(question, "question")] if question else []
    if record.error is not None:
        sentence = record.error.sentence if isinstance(record.error, VlmError) else str(record.error)
        return "".join([*lines, _paragraph(f"Failed: {show_name(sentence)}", "bad")])
    text = clean_text(record.text).strip()
    lines.append(_paragraph(text) if text else _paragraph("(no words)", "note"))
    return "".join([*lines, _paragraph(f"Cut short: {cut_short_why(record)}", "note") if record.cut_short else ""])


def _paragraph(words: str, kind: str = "") -> str:
    """Words as one paragraph that runs in its own direction; its line breaks are kept."""
    name = f' class="{kind}"' if kind else ""
    return f'<p{name} dir="auto">{escape(words)}</p>\n'


def _data_uri(data: bytes) -> str:
    kind = next((kind for start, kind in _KINDS.items() if data.startswith(start)), "application/octet-stream")
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
