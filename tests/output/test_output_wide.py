"""Terminals of any width, and writing that is not one column a character: nothing wraps twice, nothing is torn."""

import io
import os
from itertools import pairwise
from typing import Any

import pytest

from vlmcli.core import JobDone, JobText
from vlmcli.output import OutputSettings, open_writer
from vlmcli.output.live_area import LiveArea
from vlmcli.output.widths import goes_on, rows_taken, split_signs, widest
from vlmcli.output.wrapping import break_offsets, wrapped

FAMILY = "👩\u200d👩\u200d👧"
GERMANY = "🇩🇪"

WRITINGS = {
    "latin": "The quick brown fox jumps over the lazy dog, and sleeps. " * 6,
    "hebrew": "בתמונה נראה חתול שחור קטן יושב על הגדר ליד הבית הלבן. " * 6,
    "arabic": "في الصورة قِطَّة سوداء صغيرة تجلس على السور بجانب البيت الأبيض. " * 6,
    "mixed": "The sign says «שלום עולם» and مرحبا بالعالم, then 你好. " * 6,
    "chinese": "照片里有一只黑色的小猫坐在白色房子旁边的篱笆上，背景是蓝天。" * 6,
    "japanese": "a黒い猫がフェンスの上に座っています。" * 9,
    "korean": "사진에는 검은 고양이가 울타리 위에 앉아 있습니다. " * 8,
    "thai": "ในภาพมีแมวดำตัวเล็กนั่งอยู่บนรั้วข้างบ้านสีขาว" * 6,
    "hindi": "तस्वीर में एक छोटी काली बिल्ली बाड़ पर बैठी है। " * 6,
    "combining": "e\u0301\u0323a\u0308o\u0302" * 60,
    "families": FAMILY * 30,
    "flags": f"a{GERMANY}" + GERMANY * 40,
    "skin": "👍🏽" * 50,
    "selectors": "❤\ufe0f☀\ufe0f1\ufe0f\u20e3 " * 20,
    "families among chinese": f"照片里有一家人{FAMILY}站在房子前面。" * 6,
    "list": "".join(f"- 第{n}个项目：一只黑色的小猫坐在白色房子旁边的篱笆上 {FAMILY}\n" for n in range(3)),
    "table": "| 国家 | flag |\n|---|---|\n| 德国的国旗是黑红金三色 | 🇩🇪 |\n| ישראל | שלום עולם |",
    "wide table": "| a | b |\n|---|---|\n" + f"| {FAMILY * 9} | {'国 ' * 9} |\n" * 2,
    "code": "```\n照片里有一只黑色的小猫坐在白色房子旁边的篱笆上照片里有一只黑色的小猫坐在白色房子\n```",
}


def show(terminal: Any, record: Any, text: str, columns: int, size: int, rows: int = 60) -> Any:
    screen = terminal(columns, rows)
    with open_writer(OutputSettings(), screen.stream, screen.stream) as writer:
        for start in range(0, len(text), size):
            writer.emit(JobText(0, text[start : start + size]))
        writer.emit(JobDone(0, record(text)))
    return screen


@pytest.fixture
def always_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vlmcli.output.screen._FRAME_S", 0.0)
    monkeypatch.setattr("vlmcli.output.screen._WORK_SHARE", 0)


@pytest.mark.usefixtures("always_drawing")
@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("name", WRITINGS)
def test_what_grows_word_by_word_ends_as_if_it_had_come_at_once(
    name: str, columns: int, terminal: Any, record: Any
) -> None:
    text = WRITINGS[name]
    grown = show(terminal, record, text, columns, size=max(len(text) // 7, 1)).end()
    assert grown == show(terminal, record, text, columns, size=len(text)).end()
    if name not in ("list", "table", "wide table", "code"):
        whole = [sign for sign in split_signs(text) if not sign.isspace()]
        assert [sign for line in grown for sign in split_signs(line) if not sign.isspace()] == whole


@pytest.mark.usefixtures("always_drawing")
@pytest.mark.parametrize("columns", [20, 39, 40, 41])
@pytest.mark.parametrize("name", ["families", "flags", "japanese", "families among chinese", "list", "wide table"])
def test_no_line_is_wider_than_the_screen_on_the_terminal_that_gives_it_most(
    name: str, columns: int, terminal: Any, record: Any
) -> None:
    screen = show(terminal, record, WRITINGS[name], columns, size=9)
    screen.end()
    lines = screen.raw.decode().replace("\x1b[J", "\n").replace("\r", "\n").split("\n")
    assert max(widest(line) for line in lines) <= columns
    assert max(widest(line) for line in lines) > columns - 10


class Writes(io.StringIO):
    """Remembers each write."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[str] = []

    def write(self, text: str) -> int:
        self.all += [text] if text else []
        return super().write(text)


@pytest.mark.parametrize("text", [f"家人{FAMILY}站 {GERMANY}.", "A 👍🏽❤\ufe0f.", f"{GERMANY}"])
def test_a_sign_that_comes_in_pieces_is_written_in_one(text: str, record: Any) -> None:
    out = Writes()
    with open_writer(OutputSettings(), out, io.StringIO()) as writer:
        for char in text:
            writer.emit(JobText(0, char))
        writer.emit(JobDone(0, record(text)))
    assert out.getvalue() == f"{text}\n"
    assert [sign for part in out.all for sign in split_signs(part)] == split_signs(f"{text}\n")


def test_a_line_whose_last_sign_goes_on_is_written_anew() -> None:
    written: list[str] = []
    area = LiveArea(written.append)
    for line in ("a👩", "a👩\u200d👩", "a👩\u200d👩 b"):
        area.draw([line], 40)
    assert written == ["a👩", "\r\x1b[Ja👩\u200d👩", " b"]


@pytest.mark.parametrize(
    ("before", "after", "goes"),
    [
        ("a👩", "\u200d👩", True),
        ("a👩\u200d", "👩", True),
        ("a🇩", "🇪", True),
        (GERMANY * 9, "🇩", False),
        (GERMANY * 9 + "🇩", "🇪", True),
        ("e", "\u0301", True),
        ("👍", "🏽", True),
        ("漢", "字", False),
        ("a", "", False),
        ("", "\u0301", False),
    ],
)
def test_where_a_sign_goes_on(before: str, after: str, goes: bool) -> None:
    assert goes_on(before, after) is goes


def test_columns_of_a_table_keep_their_sides(terminal: Any, record: Any) -> None:
    text = "| a | number |\n|---|---:|\n| 漢 | 1 |\n| b | 22 |"
    assert show(terminal, record, text, 40, size=5).end() == [
        " a   number",
        " ──────────",
        " 漢       1",
        " b       22",
    ]


def test_widths() -> None:
    given = [
        widest(line)
        for line in ["ab", "漢字", FAMILY, GERMANY, "e\u0301", "👍🏽", "❤\ufe0f", "\x1b[1mשלום\x1b[0m", "कि"]
    ]
    assert given == [2, 4, 6, 4, 1, 4, 2, 4, 2]


@pytest.mark.parametrize(
    ("text", "lines"),
    {
        "a bb ccc": ["a bb", "ccc"],
        "aa bbb ccc": ["aa bbb", "ccc"],
        "aaaaaaaaaa b": ["aaaaaa", "aaaa b"],
        "aa   bbb   ": ["aa", "bbb"],
        "漢字漢字": ["漢字漢", "字"],
        "a漢字漢": ["a漢字", "漢"],
        "漢字漢。字": ["漢字", "漢。字"],
        "漢字「漢」": ["漢字", "「漢」"],
        "한국어 한국어": ["한국어", "한국어"],
        "e\u0301" * 7: ["e\u0301" * 6, "e\u0301"],
        FAMILY * 2: [FAMILY, FAMILY],
        "a" + GERMANY * 2: ["a" + GERMANY, GERMANY],
        "👍🏽❤\ufe0f👍🏽": ["👍🏽❤\ufe0f", "👍🏽"],
        "שלום עולם": ["שלום", "עולם"],
        FAMILY * 2 + "漢": [FAMILY, FAMILY, "漢"],
        "": [""],
    }.items(),
)
def test_lines_are_broken_between_words_and_signs(text: str, lines: list[str]) -> None:
    offsets = break_offsets(text, 6)
    assert [text[a:b].strip() for a, b in pairwise([0, *offsets, len(text)])] == lines
    assert [line.lstrip() for line in wrapped(text, 6)] == lines


@pytest.mark.parametrize(
    ("line", "columns", "rows"),
    [
        ("", 10, 1),
        ("x" * 10, 10, 1),
        ("x" * 11, 10, 2),
        ("漢" * 19, 19, 3),
        ("漢" * 9, 19, 1),
        ("\x1b[1mab\x1b[0m", 2, 1),
    ],
)
def test_rows_of_a_window_made_narrower(line: str, columns: int, rows: int) -> None:
    assert rows_taken(line, columns) == rows


@pytest.mark.usefixtures("always_drawing")
def test_ascii_terminals_are_drawn_with_what_they_can_show(terminal: Any, record: Any) -> None:
    screen = terminal(40, 20)
    ascii_stream = open(os.dup(screen.stream.fileno()), "w", encoding="ascii")  # noqa: SIM115
    text = "- “wide” dots… and so… on… and… on… until… the… line… is… full…\n- é漢\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    with ascii_stream, open_writer(OutputSettings(), ascii_stream, io.StringIO()) as writer:
        for char in text:
            writer.emit(JobText(0, char))
        writer.emit(JobDone(0, record(text)))
    assert screen.end() == [
        " * ?wide? dots... and so... on... and...",
        "   on... until... the... line... is...",
        "   full...",
        " * ??",
        "",
        "+----+",
        "|a |b|",
        "|--+-|",
        "|1 |2|",
        "+----+",
    ]
