"""--format hocr: XHTML with boxes, as the tools that make searchable PDFs take it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest

from vlmcli.core import Confidence, JobDone, PictureInfo, TextBlock, TextLine
from vlmcli.errors import PictureDamaged, UsageError
from vlmcli.output import OutputSettings, check_format, format_of, open_writer

SURE = Confidence(0.931, 0.5)
LINES = (TextLine("Two words", (10, 10, 100, 20), SURE), TextLine('<&> "x"', (10, 30, 80, 40)))
PAGE = (TextBlock("heading", "One", (10, 0, 40, 8), (TextLine("One", (10, 0, 40, 8)),)),)
PAGE += (TextBlock("text", "…", (10, 10, 100, 40), LINES),)


def written(*records: Any, encoding: str = "utf-8") -> str:
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    with open_writer(OutputSettings(format="hocr", jobs=len(records)), out, None) as writer:
        for job, record in enumerate(records):
            writer.emit(JobDone(job, record))
    return out.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]


def parts(text: str, kind: str) -> Iterator[tuple[str, str]]:
    """(title, words) of each element of this class, in their order."""
    for element in ElementTree.fromstring(text).iter():
        if element.get("class") == kind:
            yield str(element.get("title")), " ".join("".join(element.itertext()).split())


def page(record: Any, name: str = "scan.png", **fields: Any) -> Any:
    made = record("One\nTwo words", task="ocr", **{"blocks": PAGE} | fields)
    return replace(made, pictures=(PictureInfo(name, 120, 50, "a" * 64),))


def test_a_page_its_areas_lines_and_words(record: Any) -> None:
    text = written(page(record))
    assert list(parts(text, "ocr_page")) == [
        ('image "scan.png"; bbox 0 0 120 50; ppageno 0', 'One Two words <&> "x"'),
    ]
    assert [title for title, _ in parts(text, "ocr_carea")] == ["bbox 10 0 40 8", "bbox 10 10 100 40"]
    assert list(parts(text, "ocr_line"))[1:] == [("bbox 10 10 100 20", "Two words"), ("bbox 10 30 80 40", '<&> "x"')]
    assert list(parts(text, "ocrx_word"))[1:3] == [
        ("bbox 10 10 40 20; x_wconf 93", "Two"),
        ("bbox 50 10 100 20; x_wconf 93", "words"),
    ]


def test_pages_of_a_document_keep_their_numbers(record: Any) -> None:
    text = written(page(record, "a.pdf#page=2"), page(record, "a.pdf#page=3"))
    assert [title for title, _ in parts(text, "ocr_page")] == [
        'image "a.pdf#page=2"; bbox 0 0 120 50; ppageno 1',
        'image "a.pdf#page=3"; bbox 0 0 120 50; ppageno 2',
    ]
    ids = re.findall(r'id="(\w+)"', text)
    assert len(ids) == len(set(ids)) == 6


def test_a_picture_read_in_one_look_is_one_area(record: Any) -> None:
    text = written(page(record, blocks=()))
    assert list(parts(text, "ocr_carea")) == [("bbox 0 0 120 50", "One Two words")]
    assert [words for _, words in parts(text, "ocr_line")] == ["One", "Two words"]


def test_nothing_read_is_an_empty_page_and_what_failed_is_none(record: Any) -> None:
    empty = record("", task="ocr")
    failed = record("", task="ocr", error=PictureDamaged("b.png is damaged."), stop_reason=None)
    text = written(empty, failed)
    assert len(list(parts(text, "ocr_page"))) == 1
    assert list(parts(text, "ocr_carea")) == []
    assert list(parts(written(failed, failed), "ocr_page")) == []


@pytest.mark.parametrize("name", ['a"b<&>.png', "a\x1b[31m\n.png", "ü漢.png", "\udcff\ufffe.png"])
@pytest.mark.parametrize("words", ["\x00\x08\ufffe\ud800 end", "漢字 end", "]]> --> end"])
def test_whatever_is_read_stays_well_formed(name: str, words: str, record: Any) -> None:
    block = TextBlock("text", words, (0, 0, 9, 9), (TextLine(words, (0, 0, 9, 9)),))
    for encoding in ("utf-8", "ascii"):
        text = written(page(record, name, blocks=(block,)), encoding=encoding)
        assert [said.endswith("end") for _, said in parts(text, "ocr_line")] == [True]


def test_it_is_for_pages_that_are_read() -> None:
    assert format_of("a.hocr") == "hocr"
    check_format(OutputSettings(path="a.hocr"), "ocr")
    check_format(OutputSettings(path="a.hocr", format="json"), "describe")
    with pytest.raises(UsageError, match="hocr is what vlm ocr reads") as caught:
        check_format(OutputSettings(path="a.hocr"), "describe")
    assert caught.value.hint == "vlm ocr PICTURE…"
