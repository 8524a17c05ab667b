"""--format html: a page to look through."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
import tracemalloc
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from vlmcli.core import JobDone, JobText, PictureInfo
from vlmcli.errors import PictureDamaged
from vlmcli.images.thumbnail import find_thumbnail
from vlmcli.output import OutputSettings, format_of, open_writer

DEMO = Path(__file__).parents[2] / "vlmcli" / "demo" / "pictures"
VOID = {"meta", "img", "input"}


class Page(HTMLParser):
    """What a browser would find: elements with their attributes and words, and nothing left open."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
            self.words.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self._open):
            self.words[tag][-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page_of(*records: Any, thumbnail: Callable[[str], bytes | None] | None = None, **settings: Any) -> tuple[Page, str]:
    out = io.StringIO()
    chosen: dict[str, Any] = {"format": "html", "jobs": len(records), "thumbnail": thumbnail} | settings
    with open_writer(OutputSettings(**chosen), out, io.StringIO()) as writer:
        for job, record in enumerate(records):
            writer.emit(JobText(job, record.text[:2]))
            writer.emit(JobDone(job, record))
    source = out.getvalue()
    return Page(source), source


def of(picture: str) -> tuple[PictureInfo, ...]:
    return (PictureInfo(picture, 480, 360, "ab" * 32),)


def test_a_card_with_thumbnail_name_and_answer(record: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(DEMO)
    page, _ = page_of(
        record("A <red> circle.\nA star.", name="shapes.png"),
        record("SALE", name="text.png"),
        thumbnail=find_thumbnail,
    )
    assert page.words["h2"] == ["shapes.png", "text.png"]
    assert page.words["p"] == ["A <red> circle.\nA star.\n"[:-1], "SALE"]
    first, second = page.all("img")
    assert (first["alt"], second["alt"]) == ("A <red> circle.\nA star.", "SALE")
    assert (first["loading"], first["decoding"]) == ("lazy", "async")
    assert [link["href"] for link in page.all("a")] == ["shapes.png", "text.png"]
    kind, _, data = str(first["src"]).partition(";base64,")
    from PIL import Image

    thumbnail = Image.open(io.BytesIO(base64.b64decode(data)))
    assert kind == f"data:{Image.MIME[str(thumbnail.format)]}"
    assert thumbnail.size == (320, 240)


def test_questions_of_one_picture_stand_on_one_card(record: Any) -> None:
    page, _ = page_of(
        record("Red.", task="ask", question="What colour?"),
        record("Two.", task="ask", question="How many?"),
        record("Three.", task="ask", question="How many?", name="b.png"),
    )
    assert page.words["h2"] == ["a.png", "b.png"]
    assert page.words["p"] == ["What colour?", "Red.", "How many?", "Two.", "How many?", "Three."]


def test_what_failed_and_what_is_not_whole_say_so(record: Any) -> None:
    page, _ = page_of(
        record("", name="x.png", error=PictureDamaged("x.png is <damaged>."), stop_reason=None),
        record("A c", cut_short=True, stop_reason="timeout"),
        record("", name="c.png"),
    )
    assert page.words["p"] == [
        "Failed: x.png is <damaged>.",
        "A c",
        "Cut short: its time was over (--timeout SECONDS gives it more)",
        "(no words)",
    ]
    assert [card.get("class") for card in page.all("article")] == ["failed", None, None]
    assert page.words["footer"] == ["3 answers, 1 failed · made by vlm"]


def test_a_failure_among_answers_to_one_picture_is_marked(record: Any) -> None:
    failed = record("", error=PictureDamaged("no"), stop_reason=None)
    page, _ = page_of(record("One."), failed, record("Two."))
    assert [card.get("class") for card in page.all("article")] == [None, "failed", None]
    assert page.words["p"] == ["One.", "Failed: no", "Two."]


HOSTILE = [
    "<script>alert(1)</script>",
    "\"' onerror=alert(1) x='",
    "</p></article></main><!--",
    "<![CDATA[ & &amp; &lt;b",
    "</style></script></title>",
]


@pytest.mark.parametrize("words", HOSTILE)
def test_words_stay_words_wherever_they_stand(words: str, record: Any, tmp_path: Path) -> None:
    name = words.replace("/", "_")
    (tmp_path / name).write_bytes((DEMO / "shapes.png").read_bytes())
    hostile = record(words, name=str(tmp_path / name), task="ask", question=words, model=words)
    failed = record("", name=words, error=PictureDamaged(words), stop_reason=None)
    page, _ = page_of(hostile, failed, thumbnail=find_thumbnail)
    plain, _ = page_of(
        record("x", name=str(DEMO / "shapes.png"), task="ask"),
        record("", name="y", error=PictureDamaged("z"), stop_reason=None),
        thumbnail=find_thumbnail,
    )
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain.elements]
    assert [set(attributes) for _, attributes in page.elements] == [set(attributes) for _, attributes in plain.elements]
    assert page.words["p"] == [words, words, f"Failed: {words}"]
    assert page.words["h2"] == [str(tmp_path / name), words]
    assert page.words["title"] == [f"Pictures, seen by {words}"]
    assert page.all("img")[0]["alt"] == words


def test_control_characters_and_overrides_are_out(record: Any) -> None:
    page, source = page_of(record("a\x1b[2Jb\x07\u202egnp.exe\0", name="x\x1b\u202e\n\udcff.png"))
    assert page.words["p"] == ["abgnp.exe"]
    assert page.words["h2"] == ["x\\x1b\\u202e\\n\\xff.png"]
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", source)


def test_every_text_runs_in_its_own_direction(record: Any) -> None:
    page, _ = page_of(record("دائرة", task="ask", question="What?"))
    assert [paragraph["dir"] for paragraph in page.all("p")] == ["auto", "auto"]
    assert page.words["bdi"] == ["a.png"]


def test_the_page_fetches_nothing_and_forbids_it(record: Any) -> None:
    page, source = page_of(record(name="https://example.org/a b.png"), record())
    [policy] = [str(m["content"]) for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        digest = hashlib.sha256(page.words[tag][0].encode()).digest()
        assert f"{tag}-src 'sha256-{base64.b64encode(digest).decode()}'" in policy
    assert not page.all("link")
    assert [link["href"] for link in page.all("a")] == ["https://example.org/a%20b.png"]
    assert "url(" not in page.words["style"][0]
    assert not re.search(r"\bstyle=|\bon\w+=", source)


@pytest.mark.parametrize("name", ["-", "gone.png", "javascript:alert(1)", "data:image/png;base64,AAAA"])
def test_what_is_no_file_and_not_on_the_web_has_no_link(name: str, record: Any) -> None:
    page, _ = page_of(record(name=name), thumbnail=find_thumbnail)
    assert (page.all("a"), page.all("img")) == ([], [])
    assert page.words["span"] == ["no picture to show"]


def test_links_hold_wherever_the_page_lies(record: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkdir("pictures")
    os.mkdir("out")
    name = "pictures/a #1 (50%)?.png"
    Path(name).touch()
    for given in (name, os.path.abspath(name)):
        with open_writer(OutputSettings(path="out/x.html", quiet=True)) as writer:
            writer.emit(JobDone(0, record(name=given)))
        page = Page(Path("out/x.html").read_text(encoding="utf-8"))
        assert page.all("a")[0]["href"] == "../pictures/a%20%231%20%2850%25%29%3F.png"


def test_several_pictures_of_one_answer_stand_side_by_side(record: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(DEMO)
    both = record("Darker.").__class__(of("before.png") + of("after.png"), "compare", "?", "demo", "Darker.", "end")
    page, _ = page_of(both, thumbnail=find_thumbnail)
    assert [image["alt"] for image in page.all("img")] == ["before.png", "after.png"]
    assert page.words["h2"] == ["before.png, after.png"]


def test_what_is_finished_is_a_whole_page_when_a_later_one_breaks(record: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.html"

    def broken_off() -> None:
        with open_writer(OutputSettings(path=path, jobs=3), None, None) as writer:
            writer.emit(JobDone(0, record("One.")))
            writer.emit(JobDone(1, record("Two.", name="b.png")))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    page = Page(path.read_text(encoding="utf-8"))
    assert page.words["p"] == ["One.", "Two."]
    assert page.words["footer"] == ["2 answers · made by vlm"]


def test_no_answers_are_an_empty_page(tmp_path: Path) -> None:
    with open_writer(OutputSettings(path=tmp_path / "x.html", jobs=None), None, None):
        pass
    page = Page((tmp_path / "x.html").read_text(encoding="utf-8"))
    assert page.words["footer"] == ["0 answers · made by vlm"]


def test_a_narrow_encoding_changes_nothing(record: Any) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    with open_writer(OutputSettings(format="html"), out, None) as writer:
        writer.emit(JobDone(0, record("é漢🎉", name="ü.png")))
    page = Page(out.buffer.getvalue().decode("ascii"))  # type: ignore[attr-defined]
    assert (page.words["p"], page.words["h2"]) == (["é漢🎉"], ["ü.png"])


def test_two_thousand_pictures_are_written_as_they_come(record: Any, tmp_path: Path) -> None:
    thumbnail = find_thumbnail(str(DEMO / "shapes.png"))
    assert thumbnail
    path = tmp_path / "x.html"
    writer = open_writer(
        OutputSettings(path=path, jobs=2000, thumbnail=lambda name: thumbnail + bytes(15_000)), None, None
    )
    tracemalloc.start()
    with writer:
        for job in range(2000):
            writer.emit(JobDone(job, record("A cat. " * 10, name=f"{job}.png")))
        peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.stat().st_size > 2000 * 15_000
    assert peak < 2_000_000


@pytest.mark.parametrize("name", ["x.html", "x.HTM"])
def test_the_extension_asks_for_it(name: str) -> None:
    assert format_of(name) == "html"


# --- thumbnails ---------------------------------------------------------------------------------------------


def test_a_large_jpeg_is_turned_upright_and_looks_as_when_it_is_loaded(tmp_path: Path) -> None:
    from PIL import Image, ImageChops, ImageStat

    from vlmcli.images import load, resolve
    from vlmcli.images.thumbnail import to_thumbnail

    drawn = Image.open(DEMO / "shapes.png").convert("RGB").resize((2400, 1800))
    exif = Image.Exif()
    exif[0x0112] = 6
    path = str(tmp_path / "a.jpg")
    drawn.save(path, quality=95, exif=exif)
    quick = Image.open(io.BytesIO(find_thumbnail(path) or b"")).convert("RGB")
    whole = Image.open(io.BytesIO(to_thumbnail(load(resolve(path))))).convert("RGB")
    assert quick.size == whole.size == (240, 320)
    assert max(ImageStat.Stat(ImageChops.difference(quick, whole)).mean) < 3


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff\xe0 cut", b"\x89PNG\r\n\x1a\n"])
def test_what_cannot_be_read_has_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(content)
    assert find_thumbnail(str(tmp_path / "x.jpg")) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_read_again(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.png")
    assert find_thumbnail(str(tmp_path / "x.png")) is None


# --- with a model -------------------------------------------------------------------------------------------


def test_the_command_writes_a_page(vlm: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["shapes.png", "text.png", "broken.png"]
    for name in names[:2]:
        Path(name).write_bytes((DEMO / name).read_bytes())
    Path("broken.png").write_bytes((DEMO / "text.png").read_bytes()[:300])
    result = vlm("describe", *names, "-o", "x.html", "--model", "demo")
    assert (result.code, result.stdout) == (1, "")
    page = Page(Path("x.html").read_text(encoding="utf-8"))
    assert page.words["h2"] == names
    assert "red circle" in page.words["p"][0]
    assert page.words["p"][2].startswith("Failed: broken.png")
    assert page.words["title"] == ["Pictures, seen by demo"]
