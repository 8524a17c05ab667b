"""--format markdown: a document."""

import io
import os
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from markdown_it import MarkdownIt

from vlmcli.core import JobDone, JobText, PictureInfo
from vlmcli.errors import NotAPicture
from vlmcli.output import OutputSettings, open_writer
from vlmcli.output.markdown_source import escape, fenced, tame


def run(*records: Any, **settings: Any) -> str:
    out = io.StringIO()
    settings = {"format": "markdown", "jobs": len(records)} | settings
    with open_writer(OutputSettings(**settings), out, io.StringIO()) as writer:
        for job, record in enumerate(records):
            writer.emit(JobText(job, record.text[:2]))
            writer.emit(JobDone(job, record))
    return out.getvalue()


def html(markdown: str) -> str:
    return str(MarkdownIt("commonmark").render(markdown))


def test_a_heading_and_an_answer_for_each_picture(record: Any) -> None:
    assert run(record("A **cat**.\n"), record("# A dog\n\n- brown", name="b.png")) == (
        "## a.png\n\nA **cat**.\n\n## b.png\n\n### A dog\n\n- brown\n"
    )


def test_questions_of_one_picture_stand_under_one_heading(record: Any) -> None:
    records = [
        record("Red.", task="ask", question="What *colour*?"),
        record("Two.", task="ask", question="How\nmany?"),
        record("Three.", task="ask", question="How many?", name="b.png"),
    ]
    assert run(*records) == (
        "## a.png\n\n**What \\*colour\\*?**\n\nRed.\n\n**How many?**\n\nTwo.\n\n## b.png\n\n**How many?**\n\nThree.\n"
    )


def test_what_failed_and_what_is_not_whole_say_so(record: Any) -> None:
    failed = replace(record("", error=NotAPicture("<no> picture"), stop_reason=None), pictures=(PictureInfo("x"),))
    assert run(failed, record("A c", cut_short=True, stop_reason="timeout")) == (
        "## x\n\n> **Failed:** \\<no\\> picture\n\n"
        "## a.png\n\nA c\n\n> Cut short: its time was over (--timeout SECONDS gives it more)\n"
    )


@pytest.mark.parametrize(
    ("folder", "target"),
    [(".", "pictures/my%20photo%20%281%29.png"), ("pictures", "my%20photo%20%281%29.png"), ("out", "../pictures/")],
)
def test_a_file_is_shown_wherever_the_document_lies(
    folder: str, target: str, tmp_path: Path, record: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("pictures", "out"):
        os.mkdir(name)
    name = "pictures/my photo (1).png"
    Path(name).touch()
    run(record(name=name), path=f"{folder}/x.md", format=None)
    text = Path(folder, "x.md").read_text()
    assert f"![pictures/my photo (1).png]({target}" in text
    assert f'<img src="{target}' in html(text)


@pytest.mark.parametrize(
    ("name", "image"),
    {
        "https://x.org/a b.png?q=(1)": "![https://x.org/a b.png?q=(1)](https://x.org/a%20b.png?q=%281%29)",
        "-": "",
        "gone.png": "",
        "data:image/png;base64,AAAA": "",
        "javascript:alert(1)": "",
    }.items(),
)
def test_what_is_no_file_is_shown_if_it_is_on_the_web(name: str, image: str, record: Any) -> None:
    text = run(record(name=name))
    assert image in text
    assert ("![" in text) == bool(image)


def test_plain_text_keeps_its_signs_and_lines(record: Any) -> None:
    assert run(record("MILK  1.20\n# 3\n```\n* *"), markdown=False) == (
        "## a.png\n\n````\nMILK  1.20\n# 3\n```\n* *\n````\n"
    )
    assert fenced("`x`") == "```\n`x`\n```"


@pytest.mark.parametrize(
    ("answer", "safe"),
    {
        "# One\n###### Six": "### One\n###### Six",
        "a #b\n#c": "a #b\n#c",
        "```python\n# no heading <b>\n": "```python\n# no heading <b>\n\n```",
        "````\n```\n# x\n````\n# y": "````\n```\n# x\n````\n### y",
        "~~~\n```": "~~~\n```\n~~~",
        "Title\n---\n===": "Title\n\n---\n===",
        "a | b\n--- | ---": "a | b\n--- | ---",
        "Says <STOP> & `<b>`, 1 < 2": "Says \\<STOP> & `<b>`, 1 < 2",
        "![x](http://evil/a.png)!": "\\![x](http://evil/a.png)!",
        "<!-- gone": "\\<!-- gone",
        "[a]: http://x\n[a](b)": "\\[a]: http://x\n[a](b)",
        "- # x\n\n      # code": "- ### x\n\n      # code",
        "1. x\n   ```\n# y": "1. x\n   ```\n### y",
        "\\`<b>`": "\\`\\<b>`",
        "`<b>``": "`\\<b>``",
        "x ` y\n`<b>`": "x ` y\n`\\<b>`",
        "a ` b\n\n`<b>`": "a ` b\n\n`<b>`",
        ">" * 150 + "<b>": ">" * 150 + "\\<b>",
        "> Title\n> ===": "> Title\n\n> ===",
        "": "",
    }.items(),
)
def test_an_answer_keeps_to_its_place(answer: str, safe: str) -> None:
    assert tame(answer) == safe


def test_no_answer_swallows_the_next_heading(record: Any) -> None:
    hostile = [
        "```",
        "<!--",
        "<script>",
        "~~~~ a",
        "1. x\n   ```\n   y",
        "a\n---",
        "[8.png]: b",
        "$$",
        "> q",
        "| a |\n|-|",
    ]
    shown = html(run(*[record(text, name=f"{n}.png") for n, text in enumerate(hostile)]))
    assert [f"<h2>{n}.png</h2>" in shown for n in range(len(hostile))] == [True] * len(hostile)
    assert shown.count("<h2>") == len(hostile)
    assert "<script>" not in shown


@pytest.mark.parametrize("name", ["my_photo_1.png", "_a_.png", "*a* [b](c) `d` <e> &amp; ~~f~~ #", "a\\b|c", "é漢"])
def test_a_name_is_its_own_heading(name: str, record: Any) -> None:
    import html as entities

    shown = html(f"## {escape(name)}")
    assert entities.unescape(shown) == f"<h2>{name}</h2>\n"


def test_control_characters_are_out(record: Any) -> None:
    text = run(record("a\x1b[2Jb\x07", name="x\x1b\n.png", task="ask", question="q\x1b[2J?"))
    assert text == "## x\\\\x1b\\\\n.png\n\n**q?**\n\nab\n"


def test_no_mixture_of_marks_makes_html_an_image_or_a_high_heading(record: Any) -> None:
    marks = [
        "`",
        "``",
        "```",
        "~~~",
        "<b>",
        "<!--",
        "![",
        "](x)",
        "[a]:",
        "\\",
        "\n",
        "\n\n",
        "> ",
        "- ",
        "    ",
        "# ",
        "=",
    ]
    random = Random(7)
    parser = MarkdownIt("commonmark")
    for _ in range(400):
        answer = "".join(random.choices([*marks, "a", " "], k=random.randint(1, 25)))
        text = run(record(answer), record("Next.", name="b.png"))
        tokens = parser.parse(text)
        kinds = {token.type for block in tokens for token in (block, *(block.children or ()))}
        assert not kinds & {"html_inline", "html_block", "image"}, answer
        titles = [
            tokens[n + 1].content for n, token in enumerate(tokens) if token.tag in ("h1", "h2") and token.nesting > 0
        ]
        assert titles == ["a.png", "b.png"], answer
