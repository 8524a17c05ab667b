"""A page from pixels to text through the pipeline; in the model's place a reader that knows what stands where."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest
from PIL import Image

from tests.images.pages.drawing import Drawn, page, write
from vlmcli.batch.records import record_from_dict
from vlmcli.core import (
    Answer,
    Confidence,
    Event,
    Eyes,
    Failed,
    Family,
    Finished,
    ImageRef,
    JobDone,
    JobEvent,
    JobText,
    LoadedImage,
    Page,
    PagePiece,
    Reading,
    Record,
    Request,
    StopReason,
)
from vlmcli.core.pages import PageBlock
from vlmcli.errors import EngineError
from vlmcli.images import lay_out
from vlmcli.output.record_json import record_to_dict
from vlmcli.pipeline import Job, run
from vlmcli.tasks import TASKS, Brief, TaskOptions
from vlmcli.tasks.seams import without_doubles

LLAVA = Eyes(336, Reading(line_px=18))
WORD_BY_WORD = Eyes(192, Reading(line_px=24, rows=1, words=1, letters=8))
NO_TEXT = "There is nothing to read."


class Reader:
    """Answers a look with what stands in it (its picture's name says which), the youngest first.

    `spoil`: (what is read, how the answer ends) -> what it says instead.
    """

    def __init__(self, at_once: int = 5) -> None:
        self.at_once, self.asked, self.said = at_once, list[Request](), list[str]()

    def spoil(self, request: Request, text: str) -> tuple[str, StopReason]:
        return text, "end"

    def stream(self, requests: Iterable[Request | None]) -> Iterator[Event]:
        source, in_work = iter(requests), list[Request]()
        while True:
            while len(in_work) < self.at_once and (request := next(source, None)):
                in_work.append(request)
                self.asked.append(request)
            if not in_work:
                return
            request = in_work.pop(0 if len(self.asked) % 2 else -1)  # in any order
            text, reason = self.spoil(request, request.images[0].name)
            if reason == "context":
                yield Failed(request.id, EngineError("no room"))
                continue
            yield Finished(request.id, Answer(text, reason, confidence=Confidence(0.9, 0.5)))

    def interrupt(self) -> bool:
        return False

    def close(self) -> bool:
        return True


def read(drawn: Drawn, reader: Reader, eyes: Eyes = LLAVA, **options: object) -> tuple[Record, str]:
    """The record of a page, and what was shown of it on the way."""

    def known(image: LoadedImage) -> Page | None:
        layout = lay_out(image, eyes)
        return layout and replace(layout, show=show)

    def show(pieces: Iterable[PagePiece]) -> LoadedImage:
        text = "\n".join(drawn.text_in(piece.box) for piece in pieces)
        return LoadedImage(text, 1, 1, bytes(3), text)

    family = Family("f", reading=replace(eyes.reading, no_text=(NO_TEXT,)))
    brief = Brief(TaskOptions(**options), family, lambda images, labels: images[0], None, known)  # type: ignore[arg-type]
    job = Job(TASKS["ocr"], (ImageRef("page"),), brief)
    events: list[JobEvent] = list(run([job], reader, lambda ref: drawn.image, "m"))
    (done,) = (event for event in events if isinstance(event, JobDone))
    assert events[-1] is done
    return done.record, "".join(event.text for event in events if isinstance(event, JobText))


@pytest.mark.parametrize("eyes", [LLAVA, WORD_BY_WORD], ids=["llava", "word by word"])
@pytest.mark.parametrize("columns", [1, 2])
def test_no_line_is_lost_or_doubled(eyes: Eyes, columns: int) -> None:
    drawn = page(lines=26, columns=columns)
    record, shown = read(drawn, Reader(), eyes)
    assert record.text.split("\n\n") == ["\n".join(drawn.lines[i : i + 26]) for i in range(0, 26 * columns, 26)]
    assert shown == record.text
    assert (record.stop_reason, record.cut_short, record.error) == ("end", False, None)


def test_looks_are_asked_together_with_the_words_of_the_task() -> None:
    reader = Reader(at_once=4)
    read(page(lines=40), reader)
    assert len(reader.asked) > 4
    assert {request.turns[-1].parts[-1].text for request in reader.asked} == {  # type: ignore[union-attr]
        "Read all the text in this picture. Answer with the text alone, keeping the lines."
    }
    assert all(request.sampling.temperature == 0 and request.sampling.max_tokens <= 1024 for request in reader.asked)
    assert len({request.id for request in reader.asked}) == len(reader.asked)


def test_blocks_have_boxes_lines_and_confidence_and_survive_the_ledger() -> None:
    drawn = page(lines=20, columns=2)
    record, _ = read(drawn, Reader())
    assert [block.kind for block in record.blocks] == ["text", "text"]
    assert [line.text for block in record.blocks for line in block.lines] == drawn.lines
    for block in record.blocks:
        left, top, right, bottom = block.box
        for line in block.lines:
            assert left <= line.box[0] < line.box[2] <= right
            assert top <= line.box[1] < line.box[3] <= bottom
            assert drawn.text_in(line.box) == line.text
            assert line.confidence == Confidence(0.9, 0.5)
    assert record_from_dict(json.loads(json.dumps(record_to_dict(record)))).blocks == record.blocks


class Miscounting(Reader):
    """Runs the rows of a look together where there are more than three."""

    def spoil(self, request: Request, text: str) -> tuple[str, StopReason]:
        rows = text.splitlines()
        return (" ".join(rows) if len(rows) > 3 else text), "end"


def test_a_look_whose_rows_do_not_add_up_is_read_again_in_halves() -> None:
    drawn = page(lines=12, size=(2400, 900))
    reader = Miscounting()
    record, _ = read(drawn, reader)
    assert record.text == "\n".join(drawn.lines)
    assert max(len(request.images[0].name.splitlines()) for request in reader.asked) > 3


class Looping(Reader):
    def spoil(self, request: Request, text: str) -> tuple[str, StopReason]:
        if "tiger" in text and not request.prefix:
            return text[:10], "repetition"
        return text[len(request.prefix) :], "end"


def test_a_loop_in_one_look_is_left_from_where_it_began() -> None:
    drawn = page(lines=20)
    reader = Looping()
    record, _ = read(drawn, reader)
    assert any(request.prefix and request.sampling.dry_multiplier > 0 for request in reader.asked)
    assert (record.text, record.stop_reason) == ("\n".join(drawn.lines), "end")


class Inventing(Reader):
    def spoil(self, request: Request, text: str) -> tuple[str, StopReason]:
        return f"{text}\nmade\nup", "end"


def test_below_a_word_there_is_nothing() -> None:
    drawn = page(lines=20)
    record, _ = read(drawn, Inventing(), WORD_BY_WORD)
    assert record.text == "\n".join(drawn.lines)


def test_a_band_of_lines_keeps_them_all_also_where_words_are_read_one_by_one() -> None:
    band = PagePiece(0, (0, 0, 90, 30), dense=True)
    block = PageBlock("text", band.box, range(1))
    page = Page((block,), (band.box,), ((band,),), lambda pieces: LoadedImage("", 1, 1, bytes(3), ""))
    brief = Brief(TaskOptions(), Family("f", reading=WORD_BY_WORD.reading), lambda images, labels: images[0])
    job = Job(TASKS["ocr"], (ImageRef("page"),), replace(brief, lay_out=lambda image: page))
    events = list(run([job], Saying("One.\nTwo."), lambda ref: LoadedImage("", 1, 1, bytes(3), ""), "m"))
    assert [event.record.text for event in events if isinstance(event, JobDone)] == ["One.\nTwo."]


class Saying(Reader):
    def __init__(self, said: str) -> None:
        super().__init__()
        self.words = said

    def spoil(self, request: Request, text: str) -> tuple[str, StopReason]:
        return self.words, "end"


class Silent(Reader):
    def spoil(self, request: Request, text: str) -> tuple[str, StopReason]:
        return NO_TEXT, "end"


def test_what_the_model_says_of_no_text_is_no_text() -> None:
    record, shown = read(page(lines=20), Silent())
    assert (record.text, shown, record.blocks, record.cut_short) == ("", "", (), False)
    record, shown = read(Drawn(Image.new("RGB", (40, 40))), Silent())
    assert (record.text, shown) == ("", "")


def test_a_blank_page_is_answered_without_a_question() -> None:
    reader = Reader()
    record, _ = read(Drawn(Image.new("RGB", (1240, 1754), "white")), reader)
    assert (record.text, record.stop_reason, record.error, reader.asked) == ("", "end", None, [])


class Failing(Reader):
    def spoil(self, request: Request, text: str) -> tuple[str, StopReason]:
        return text, "context" if len(self.asked) > 6 else "end"


def test_a_page_of_which_a_part_fails_fails_once() -> None:
    record, _ = read(page(lines=40), Failing())
    assert str(record.error) == "no room"


class Interrupted(Reader):
    def spoil(self, request: Request, text: str) -> tuple[str, StopReason]:
        return (text, "end") if request.id < 3 else ("", "interrupted")


def test_ctrl_c_keeps_what_was_read_and_begins_nothing_more() -> None:
    drawn = page(lines=40)
    reader = Interrupted(at_once=4)
    record, shown = read(drawn, reader, WORD_BY_WORD)
    assert record.stop_reason == "interrupted"
    assert record.text.split() == drawn.lines[0].split()[:3]
    assert shown == record.text
    assert len(reader.asked) < 10


def test_no_time_left_is_a_timeout_and_not_a_hang() -> None:
    reader = Reader()
    record, _ = read(page(lines=40), reader, timeout_s=1e-9)
    assert record.stop_reason == "timeout"
    assert len(reader.asked) <= 1


def test_whole_is_one_look() -> None:
    reader = Reader()
    read(page(lines=40), reader, whole=True)
    assert [request.images[0].name for request in reader.asked] == ["page"]


# --- styles -------------------------------------------------------------------------------------------------


def _sheet() -> Drawn:
    drawn = Drawn(Image.new("RGB", (1240, 1400), "white"))
    write(drawn, 100, 60, "blue paper news", 48)
    for row in range(5):
        write(drawn, 100, 200 + 40 * row, "a long line of text that goes on to the end of its column", 22)
    for row in range(4):
        for column, cell in enumerate((f"item{row}", f"{row}|50", f"{row * 7} kg")):
            write(drawn, 100 + 300 * column, 600 + 44 * row, cell, 22)
    return drawn


def test_markdown_keeps_headings_and_rows() -> None:
    record, shown = read(_sheet(), Reader(), style="markdown")
    heading, text, table = record.text.split("\n\n")
    assert heading.startswith("# blue")
    assert text.count("\n") == 4
    assert table.splitlines()[:3] == ["| item0 | 0\\|50 | 0 kg |", "| --- | --- | --- |", "| item1 | 1\\|50 | 7 kg |"]
    assert shown == record.text


def test_plain_text_has_a_tab_between_cells_and_table_has_rows_of_cells() -> None:
    assert "item1\t1|50\t7 kg\n" in read(_sheet(), Reader())[0].text
    text = read(_sheet(), Reader(), style="table")[0].text
    assert "| item3 | 3\\|50 | 21 kg |" in text
    assert "#" not in text


# --- seams of bands that overlap ----------------------------------------------------------------------------

LINES = [
    "We met at the harbour before dawn,",
    "seven of us and a borrowed boat.",
    "Nobody had thought of bread.",
    "The captain laughed and cast off",
    "while gulls quarrelled overhead;",
    "by noon it rained on everything",
    "except, oddly, the cabin roof.",
]


@pytest.mark.parametrize(
    "bands",
    [
        [LINES[:3], LINES[2:5], LINES[4:]],
        [LINES[:4], LINES[2:]],
        [LINES[:3], LINES[3:]],
        [[*LINES[:3], "Tbc caplaln lauqhcd anb casl"], LINES[2:]],  # cut by the lower edge, and whole below
        [LINES[:4], ["Nobcdy nad lhougnt oi dread", *LINES[3:]]],  # cut by the upper edge, and whole above
        [LINES, []],
        [[], LINES],
    ],
)
def test_bands_are_joined_without_doubling_or_losing_a_line(bands: list[list[str]]) -> None:
    assert without_doubles(bands) == LINES


@pytest.mark.parametrize(
    ("bands", "lines"),
    [
        ([["x", "a", "b", "a"], ["a", "c", "d"]], ["x", "a", "b", "a", "c", "d"]),
        ([["yes", "no", "yes", "no"], ["no", "yes", "yes"]], ["yes", "no", "yes", "no", "yes", "yes"]),
        (
            [["Room 101 frei", "Room 102 frei", "Room 103 frei"], ["Room 103 fred", "Room 101 free"]],
            ["Room 101 frei", "Room 102 frei", "Room 103 frei", "Room 101 free"],
        ),
    ],
    ids=["a letter", "yes and no", "numbered rows"],
)
def test_lines_that_repeat_are_not_lost_where_bands_join(bands: list[list[str]], lines: list[str]) -> None:
    assert without_doubles(bands) == lines


def test_a_common_line_is_known_though_it_was_read_with_errors() -> None:
    upper, lower = LINES[:3], ["Nobody hab thougth of dreab,", *LINES[3:]]
    assert without_doubles([upper, lower]) == LINES
