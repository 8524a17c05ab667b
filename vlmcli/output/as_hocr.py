"""--format hocr: what was read where on a page, as the tools that make searchable PDFs take it.

hOCR 1.2 (kba.github.io/hocr-spec): XHTML in which `title` holds the boxes, in pixels of the upright picture. A page a
record, in reading order: page, area, paragraph, line, words. Boxes of lines were found; those of words are shares of
their line by the number of letters, for a model does not say where on a line it read a word. A picture that was read in
one look has one area, as large as itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from vlmcli import __version__
from vlmcli.core import Box, Confidence, PictureInfo, Record, TextBlock, TextLine
from vlmcli.output.html_page import escape, in_ascii
from vlmcli.output.sanitize import clean_text, show_name, xml_text
from vlmcli.output.settings import OutputSettings
from vlmcli.output.sink import Sink
from vlmcli.output.whole_records import WholeRecords

_HEAD = f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml">
<head>
<title></title>
<meta http-equiv="Content-Type" content="text/html; charset=utf-8"/>
<meta name="ocr-system" content="vlm {__version__}"/>
<meta name="ocr-capabilities" content="ocr_page ocr_carea ocr_par ocr_line ocrx_word"/>
</head>
<body>
"""
_END = "</body>\n</html>\n"
_PAGE = re.compile(r"#(?:page|frame)=(\d+)\Z")


class HocrFormat(WholeRecords):
    def __init__(self, settings: OutputSettings, sink: Sink) -> None:
        self._sink = sink
        self._pages = 0

    def done(self, job: int, record: Record) -> list[str]:
        if record.error is None:
            self._pages += 1
            self._write((_HEAD if self._sink.is_empty else "") + "".join(_page(record, self._pages)))
        return []

    def close(self, complete: bool) -> None:
        if complete or not self._sink.is_empty:
            self._write((_HEAD if self._sink.is_empty else "") + _END)

    def _write(self, text: str) -> None:
        text = xml_text(text)
        self._sink.write(text if self._sink.is_unicode else in_ascii(text))


def _page(record: Record, number: int) -> Iterator[str]:
    picture = record.pictures[0]
    box = (0, 0, picture.width, picture.height)
    found = _PAGE.search(picture.name)
    about = f'image "{show_name(picture.name)}"; {_bbox(box)}; ppageno {int(found[1]) - 1 if found else 0}'
    yield f'<div class="ocr_page" id="page_{number}" title="{escape(about)}">\n'
    for area, block in enumerate(record.blocks or _whole(record, picture), 1):
        yield f'<div class="ocr_carea" id="block_{number}_{area}" title="{_bbox(block.box)}">\n<p class="ocr_par">\n'
        for line in block.lines:
            words = " ".join(_words(line))
            yield f'<span class="ocr_line" title="{_bbox(line.box)}">{words}</span>\n' if words else ""
        yield "</p>\n</div>\n"
    yield "</div>\n"


def _whole(record: Record, picture: PictureInfo) -> tuple[TextBlock, ...]:
    """The one area of a picture that was read in one look; none where there was nothing to read."""
    box = (0, 0, picture.width, picture.height)
    lines = tuple(TextLine(line, box, record.confidence) for line in record.text.split("\n") if line.strip())
    return (TextBlock("text", record.text, box, lines),) if lines else ()


def _words(line: TextLine) -> Iterator[str]:
    text = clean_text(line.text).strip()
    left, top, right, bottom = line.box
    width = (right - left) / max(len(text), 1)
    for word in re.finditer(r"\S+", text):
        box = (round(left + width * word.start()), top, round(left + width * word.end()), bottom)
        yield f'<span class="ocrx_word" title="{_bbox(box)}{_sure(line.confidence)}">{escape(word[0])}</span>'


def _sure(confidence: Confidence | None) -> str:
    """The line's, in percent: tokens are no words."""
    return f"; x_wconf {round(100 * confidence.mean)}" if confidence else ""


def _bbox(box: Box) -> str:
    return "bbox {} {} {} {}".format(*box)
