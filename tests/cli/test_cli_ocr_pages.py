"""`vlm ocr` on pages and documents, with the model in the box."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PIL import Image, ImageDraw, ImageFont

from vlmcli import Vlm
from vlmcli.errors import PictureError

Run = Callable[..., Any]
WORDS = ("SALE", "OPEN", "CITY"), ("BLUE", "GOLD"), ("FISH", "COLD")


def sheet(words: tuple[str, ...] = ()) -> Image.Image:
    """An A4 page at 100 dpi, with words under each other."""
    picture = Image.new("RGB", (827, 1169), "white")
    for row, word in enumerate(words):
        font = ImageFont.truetype(_face(), 24) if _face() else ImageFont.load_default(size=24)
        ImageDraw.Draw(picture).text((100, 100 + 44 * row), word, font=font, fill="black")
    return picture


def _face() -> str:
    path = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
    return str(path) if path.exists() else ""


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """`document("a.pdf")`: three pages."""
    monkeypatch.chdir(tmp_path)

    def make(name: str) -> str:
        first, *others = (sheet(words) for words in WORDS)
        first.save(name, save_all=True, append_images=others, **({"resolution": 100} if name.endswith("pdf") else {}))
        return name

    return make


@pytest.fixture(params=["a.tif", "a.pdf"])
def pages(request: pytest.FixtureRequest, document: Callable[[str], str]) -> str:
    if request.param.endswith("pdf"):
        pytest.importorskip("pypdfium2")
    return document(request.param)


def test_a_page_without_text_gives_nothing(vlm: Run, tmp_path: Path) -> None:
    sheet().save(tmp_path / "blank.png")
    assert vlm("ocr", tmp_path / "blank.png", "--model", "demo") == (0, "", "")
    record = json.loads(vlm("ocr", tmp_path / "blank.png", "--model", "demo", "--format", "json").stdout)
    assert (record["text"], record["blocks"], record["error"]) == ("", [], None)


def test_hocr_of_a_document_has_each_page_with_its_lines(vlm: Run, pages: str) -> None:
    assert vlm("ocr", pages, "--model", "demo", "-o", "out.hocr", "--quiet").code == 0
    root = ElementTree.parse("out.hocr").getroot()
    found = {kind: [e for e in root.iter() if e.get("class") == kind] for kind in ("ocr_page", "ocr_line")}
    assert [str(page.get("title")).partition(";")[0] for page in found["ocr_page"]] == [
        f'image "{pages}#page={number}"' for number in (1, 2, 3)
    ]
    assert len(found["ocr_line"]) == sum(map(len, WORDS))
    alone = vlm("ocr", f"{pages}#page=2", "--model", "demo", "--format", "hocr").stdout
    assert len([e for e in ElementTree.fromstring(alone).iter() if e.get("class") == "ocr_line"]) == len(WORDS[1])


def test_hocr_is_for_what_is_read(vlm: Run, picture: str) -> None:
    for place in (["--format", "hocr"], ["-o", "out.hocr"], ["-o", "out.hocr", picture]):
        refused = vlm("describe", picture, *place, "--model", "demo")
        assert (refused.code, refused.stdout) == (2, "")
        assert refused.stderr == "vlm: hocr is what vlm ocr reads on a page.\n  vlm ocr PICTURE…\n"


def test_words_of_a_page_are_read_line_by_line(vlm: Run, tmp_path: Path) -> None:
    sheet(WORDS[0]).save(tmp_path / "a.png")
    result = vlm("ocr", tmp_path / "a.png", "--model", "demo")
    assert (result.code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert len(lines) == 3
    assert sum(a == b for a, b in zip(lines, WORDS[0], strict=True)) >= 2
    record = json.loads(vlm("ocr", tmp_path / "a.png", "--model", "demo", "--format", "json").stdout)
    (block,) = record["blocks"]
    assert [line["text"] for line in block["lines"]] == lines
    assert [line["box"][1] // 44 for line in block["lines"]] == [2, 3, 4]
    assert record["tokens"]["answer"] > 3
    assert record["tokens"]["prompt"] > record["tokens"]["image"]


def test_what_was_read_line_by_line_is_not_explained(on_terminal: Run, tmp_path: Path) -> None:
    sheet(WORDS[0]).save(tmp_path / "a.png")
    shown = on_terminal("ocr", "a.png", "--model", "demo", "--explain")
    assert "--explain: no effect on this answer" in " ".join(shown.text.split())


def test_a_document_is_read_page_by_page(vlm: Run, pages: str) -> None:
    result = vlm("ocr", pages, "--model", "demo")
    assert (result.code, result.stderr) == (0, "")
    headings = [line for line in result.stdout.splitlines() if line.startswith("==>")]
    assert headings == [f"==> {pages}#page={number} <==" for number in (1, 2, 3)]


@pytest.mark.parametrize(("wish", "numbers"), [("2", [2]), ("2-", [2, 3]), ("3,1-2,2", [3, 1, 2]), ("-2", [1, 2])])
def test_pages_are_chosen(vlm: Run, pages: str, wish: str, numbers: list[int]) -> None:
    out = vlm("ocr", pages, "--pages", wish, "--model", "demo", "--format", "jsonl").stdout
    assert [json.loads(line)["picture"] for line in out.splitlines()] == [f"{pages}#page={n}" for n in numbers]


def test_other_tasks_take_pages_where_they_are_asked_for(vlm: Run, pages: str) -> None:
    one = vlm("describe", pages, "--model", "demo")
    assert (one.code, "==>" in one.stdout) == (0, False)
    several = vlm("describe", pages, "--pages", "1-2", "--model", "demo")
    assert several.stdout.count("==>") == 2


@pytest.mark.parametrize("wish", ["0", "x", "3-1", "1,,2", "", "1-2-3", "-"])
def test_pages_that_make_no_sense_are_said(vlm: Run, pages: str, wish: str) -> None:
    result = vlm("ocr", pages, "--pages", wish, "--model", "demo")
    assert (result.code, result.stdout) == (2, "")
    assert "--pages" in result.stderr


def test_a_page_that_is_not_there_is_said(vlm: Run, pages: str) -> None:
    result = vlm("ocr", pages, "--pages", "7", "--model", "demo")
    assert (result.code, result.stdout) == (3, "")
    assert f"{pages} has 3 pages, and no page 7." in result.stderr
    assert vlm("ocr", pages, "--pages", "1", "--frame", "1", "--model", "demo").code == 2


@pytest.mark.parametrize(("wish", "missing"), [("2-9", 4), ("2-3,7", 7)], ids=["a range", "a number"])
def test_pages_that_are_there_are_read_and_the_first_that_is_not_is_said(
    vlm: Run, pages: str, wish: str, missing: int
) -> None:
    result = vlm("ocr", pages, "--pages", wish, "--model", "demo", "--format", "jsonl")
    assert result.code == 1
    assert f"{pages} has 3 pages, and no page {missing}.\n  Take those there are: --pages 1-3\n" in result.stderr
    records = [json.loads(line) for line in result.stdout.splitlines()]
    failed = {each["picture"]: bool(each["error"]) for each in records}
    assert failed == {f"{pages}#page=2": False, f"{pages}#page=3": False, f"{pages}#page={missing}": True}


def test_a_picture_has_one_page(vlm: Run, picture: str) -> None:
    assert vlm("ocr", picture, "--pages", "1", "--model", "demo").code == 0
    missing = vlm("ocr", picture, "--pages", "2", "--model", "demo")
    assert missing == (3, "", f"vlm: {picture} has one page, and no page 2.\n  Take the one there is: --pages 1\n")
    piped = vlm("ocr", "-", "--pages", "2", "--model", "demo", stdin=Path(picture).read_bytes())
    assert (piped.code, piped.stdout) == (3, "")
    assert "Of standard input only the first page is read." in piped.stderr


def test_in_a_folder_the_pages_that_are_there_are_taken(vlm: Run, pages: str, tmp_path: Path) -> None:
    sheet(("SALE",)).save(tmp_path / "b.png")
    walk = ("ocr", ".", "-r", "--dry-run", "--model", "demo")
    assert vlm(*walk, "--pages", "1-2").stdout == f"./{pages}#page=1\n./{pages}#page=2\n./b.png\n"
    assert vlm(*walk, "--pages", "3-9").stdout == f"./{pages}#page=3\n"
    nothing = vlm(*walk, "--pages", "7")
    assert (nothing.code, "--exclude and --pages leave nothing over" in nothing.stderr) == (3, True)


def test_a_name_with_a_page_says_it_alone(vlm: Run, pages: str) -> None:
    missing = vlm("ocr", f"{pages}#page=7", "--model", "demo")
    sentence = f"{pages} has 3 pages, and no page 7.\n  Take one up to 3: '{pages}#page=1'\n"
    assert missing == (3, "", f"vlm: {sentence}")
    twice = vlm("ocr", f"{pages}#page=2", "--pages", "1", "--model", "demo")
    assert (twice.code, f"{pages}#page=2 and --pages both say which page." in twice.stderr) == (2, True)


def test_pages_of_a_folder_are_records_of_a_job_that_goes_on(vlm: Run, pages: str, tmp_path: Path) -> None:
    sheet(("SALE",)).save(tmp_path / "b.png")
    assert vlm("ocr", "-r", ".", "-o", "out.jsonl", "--model", "demo", "--limit", "3").code == 0
    names = [json.loads(line)["picture"] for line in Path("out.jsonl").read_text().splitlines()]
    assert names == [f"./{pages}#page={number}" for number in (1, 2, 3)]
    result = vlm("ocr", "-r", ".", "-o", "out.jsonl", "--model", "demo")
    assert result.code == 0
    assert "1" in result.stderr
    names = [json.loads(line)["picture"] for line in Path("out.jsonl").read_text().splitlines()]
    assert sorted(names) == sorted([*(f"./{pages}#page={number}" for number in (1, 2, 3)), "./b.png"])


def records() -> dict[str, bool]:
    """Of each picture in out.csv, in its order, whether it failed."""
    with open("out.csv", newline="") as file:
        return {row["picture"]: bool(row["error.kind"]) for row in csv.DictReader(file)}


def test_a_document_that_was_mended_has_its_pages_and_no_failure_any_more(vlm: Run, pages: str) -> None:
    whole = Path(pages).read_bytes()
    job = ("ocr", ".", "-r", "-o", "out.csv", "--model", "demo")
    numbered = {f"./{pages}#page={number}": False for number in (1, 2, 3)}
    Path(pages).write_bytes(whole[:900])
    assert vlm(*job).code == 3
    assert records() == {f"./{pages}": True}
    Path(pages).write_bytes(whole)
    assert vlm(*job).code == 0
    assert records() == numbered
    again = vlm(*job)
    assert (again.code, "0 answered, 3 done before" in again.stderr) == (0, True)
    assert records() == numbered


def test_a_document_that_was_damaged_has_its_failure_and_no_pages_any_more(vlm: Run, pages: str) -> None:
    job = ("ocr", pages, "-o", "out.csv", "--model", "demo")
    assert vlm(*job).code == 0
    Path(pages).write_bytes(Path(pages).read_bytes()[:900])
    assert vlm(*job).code == 3
    assert records() == {pages: True}


def test_pages_and_the_first_of_a_document_that_stays_are_kept_side_by_side(vlm: Run, pages: str) -> None:
    job = ("describe", "-o", "out.csv", "--model", "demo", "--max-tokens", "3")
    assert vlm(*job, pages, "--pages", "2-3").code == 0
    assert vlm(*job, pages).code == 0
    assert vlm(*job, pages, "--pages", "1").code == 0
    assert sorted(records()) == [pages, *(f"{pages}#page={number}" for number in (1, 2, 3))]


def test_a_pdf_without_what_reads_it_is_told_how_to_get_it(
    vlm: Run, document: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = document("a.pdf")
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    monkeypatch.delitem(sys.modules, "vlmcli.images.pdf", raising=False)
    result = vlm("ocr", name, "--model", "demo", "--pages", "1")
    assert (result.code, result.stdout) == (3, "")
    assert "a.pdf is a PDF document, and what reads those is not installed." in result.stderr
    assert "pip install 'vlmcli[pdf]'" in result.stderr


@pytest.mark.parametrize("keep", [9, 300, 2000])
def test_a_damaged_pdf_gets_a_sentence(vlm: Run, document: Callable[[str], str], keep: int) -> None:
    pytest.importorskip("pypdfium2")
    path = Path(document("a.pdf"))
    path.write_bytes(path.read_bytes()[:keep])
    result = vlm("ocr", path, "--model", "demo")
    assert (result.code, result.stdout) == (3, "")
    assert "a.pdf is a damaged PDF document" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_encrypted_pdf_gets_a_sentence(vlm: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pdfium = pytest.importorskip("pypdfium2")
    monkeypatch.chdir(tmp_path)
    Path("a.pdf").write_bytes(b"%PDF-1.4\n")

    def locked(data: bytes) -> None:
        raise pdfium.PdfiumError("Failed to load document (PDFium: Incorrect password error).")

    monkeypatch.setattr(pdfium, "PdfDocument", locked)
    result = vlm("ocr", "a.pdf", "--model", "demo")
    assert (result.code, result.stdout) == (3, "")
    assert "a.pdf is an encrypted PDF document" in result.stderr
    assert "qpdf --decrypt" in result.stderr


def test_a_tiff_that_ends_early_is_said_and_does_not_hang(vlm: Run, document: Callable[[str], str]) -> None:
    path = Path(document("a.tif"))
    path.write_bytes(path.read_bytes()[:1000])
    result = vlm("ocr", path, "--model", "demo")
    assert (result.code, result.stdout) == (3, "")
    assert "damaged TIFF picture" in result.stderr


def test_styles_and_whole_are_options(vlm: Run, picture: str) -> None:
    for style in ("plain", "markdown", "table"):
        assert vlm("ocr", picture, "--style", style, "--model", "demo").code == 0
    assert vlm("ocr", picture, "--style", "haiku", "--model", "demo").code == 2
    assert vlm("ocr", picture, "--whole", "--model", "demo").code == 0


def test_from_python_all_pages_are_read(pages: str) -> None:
    with Vlm("demo") as model:
        assert [page.text.split() for page in model.ocr_pages(pages)] == [list(words) for words in WORDS]
        assert [str(page).split() for page in model.ocr_pages(Path(pages), "2-")] == [list(w) for w in WORDS[1:]]
        with pytest.raises(PictureError, match="no page 4"):
            [page.text for page in model.ocr_pages(pages, "3-4")]
