"""--template: lines of the user's own."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import vlmcli
from vlmcli.cli import main
from vlmcli.core import JobDone, JobText, PictureInfo
from vlmcli.errors import NotAPicture, UsageError
from vlmcli.output import OutputSettings, open_writer


def run(template: str, *records: Any, **settings: Any) -> tuple[str, str]:
    out, err = io.StringIO(newline=""), io.StringIO()
    with open_writer(OutputSettings(template=template, jobs=len(records), **settings), out, err) as writer:
        for job, record in reversed(list(enumerate(records))):
            writer.emit(JobText(job, record.text[:3]))
            writer.emit(JobDone(job, record))
    return out.getvalue(), err.getvalue()


@pytest.mark.parametrize(
    ("template", "line"),
    {
        r"{picture}\t{text}": "a.png\tA cat.\n",
        "{text}": "A cat.\n",
        r"{text}\n": "A cat.\n",
        r"{picture}\0{text}\0": "a.png\0A cat.\0",
        r"\\n {{x}} \d": "\\n {x} \\d\n",
        "{tokens.answer}/{timings_ms.encode}": "48/2100\n",
        "{tokens_per_second:.1f}": "17.2\n",
        "{picture:>8}|{width:06d}x{height}": "   a.png|000640x480\n",
        "{task} {model} {question} {cut_short} {stop_reason}": "describe demo What is it? false end\n",
        "[{error}{error.kind}{error.hint}]": "[]\n",
        "{schema}{sha256:.4}": "1abab\n",
        "": "\n",
    }.items(),
)
def test_a_line_for_each_answer(template: str, line: str, record: Any) -> None:
    assert run(template, record())[0] == line


def test_lines_come_in_the_order_of_the_jobs(record: Any) -> None:
    assert run("{picture}", record(name="a"), record(name="b"), record(name="c"))[0] == "a\nb\nc\n"


@pytest.mark.parametrize(
    ("template", "words"),
    {
        "{foo}": "no field {foo}",
        "{}": "no field {}",
        "{0}": "no field {0}",
        "{tokens}": "no field {tokens}",
        "{text.__class__}": r"no field {text.__class__}",
        "{text[0]}": r"no field {text[0]}",
        "{text.upper}": "no field {text.upper}",
        "{text!r}": "{text!r} is not understood",
        "{text:{width}}": "{text:{width}}",
        "{text:d}": "{text:d}: Unknown format code 'd'",
        "{width:zz}": "{width:zz}: ",
        "{text": "expected '}'",
        "text}": "Single '}'",
        "{text!}": " in --template {text!}",
        "{te\x1bxt}": r"no field {te\x1bxt}",
    }.items(),
)
def test_a_template_that_cannot_be_filled_in_is_found_before_anything_runs(
    template: str, words: str, tmp_path: Any
) -> None:
    (tmp_path / "old").write_text("old")
    with pytest.raises(UsageError) as caught:
        open_writer(OutputSettings(template=template, path=tmp_path / "old"))
    assert words in caught.value.sentence
    assert caught.value.hint.startswith("Fields: schema, task, picture, question")
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_a_template_is_a_format_of_its_own() -> None:
    with pytest.raises(UsageError, match="--format"):
        open_writer(OutputSettings(template="{text}", format="json"))


def test_it_wins_over_an_extension(tmp_path: Any, record: Any) -> None:
    run("{text}", record(), path=tmp_path / "x.json")
    assert (tmp_path / "x.json").read_text() == "A cat.\n"


def test_a_value_stays_on_its_line_unless_it_is_asked_for_whole(record: Any) -> None:
    answer = record(" one\n\n  two\tthree  x\u2028y\n")
    assert run(r"{picture}\t{text}", answer)[0] == "a.png\tone two three  x y\n"
    assert run("{text!s}", answer)[0] == "one\n\n  two\tthree  x\u2028y\n"
    raw = run("{text!j}", answer)[0]
    assert raw.count("\n") == 1
    assert json.loads(raw) == "one\n\n  two\tthree  x\u2028y"
    assert run("{width!j} {error!j} {cut_short!j}", answer)[0] == '640 "" "false"\n'


def test_a_failed_picture_has_a_line_when_errors_are_spoken_of(record: Any) -> None:
    failed = record("", name="x", error=NotAPicture("not a picture: x", "try b"), stop_reason=None)
    failed = replace(failed, pictures=(PictureInfo("x"),))
    told = "vlm: not a picture: x\n  try b\n"
    assert run("{picture}: {text}", failed, record("Two")) == ("a.png: Two\n", told)
    assert run("{picture}: {text}{error}", failed, record("Two")) == ("x: not a picture: x\na.png: Two\n", told)
    assert run("{error.kind},{error.hint},{width:5d},{stop_reason:>3}", failed)[0] == "not_a_picture,try b,,   \n"


def test_an_answer_that_is_not_whole_is_remarked_on_stderr(record: Any) -> None:
    out, err = run("{text} {cut_short}", record("A c", cut_short=True, stop_reason="repetition"))
    assert (out, err) == ("A c true\n", "vlm: a.png: cut short: it went round in a loop\n")


def test_several_pictures_never_fail_a_number_s_spec(record: Any) -> None:
    both = replace(record(), pictures=(PictureInfo("a", 1, 2), PictureInfo("b", 3, 4)))
    assert run("{picture} {width:d}", both)[0] == "a|b 1|3\n"


def test_hostile_words_are_harmless(record: Any) -> None:
    out, _ = run("{picture} {text!s} {text!j}", record("\x1b[2Ja\x00b\u202e", name="\x1b[2J\udcff"))
    assert out == '\\x1b[2J\\xff ab "ab"\n'


def test_the_command_line_hands_it_on_and_says_what_is_wrong_before_a_model_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = str(Path(vlmcli.__file__).parent / "demo/pictures/text.png")
    monkeypatch.setattr("vlmcli.api.Vlm.run", lambda *_: pytest.fail("a model runs"))
    assert main(["describe", picture, "-m", "demo", "--template", "{picture} {foo}"]) == 2
    assert capsys.readouterr().err.startswith("vlm: There is no field {foo} for --template.\n  Fields: schema, task")
    assert main(["describe", picture, "-m", "demo", "--template", "{text}", "--format", "csv"]) == 2
    assert "--template is a format of its own" in capsys.readouterr().err


@pytest.mark.parametrize("task", ["describe", "ocr"])
def test_the_command_line_s_options_are_the_writer_s_settings(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[OutputSettings] = []

    def open_none(settings: OutputSettings) -> None:
        seen.append(settings)
        raise UsageError("enough")

    monkeypatch.setattr("vlmcli.cli.work.open_writer", open_none)
    picture = str(Path(vlmcli.__file__).parent / "demo/pictures/text.png")
    for more in ([], ["--no-markdown"], ["--format", "csv"], ["--template", "{text}"]):
        assert main([task, picture, "-m", "demo", *more]) == 2
    assert [settings.markdown for settings in seen[:2]] == [task == "describe", False]
    assert (seen[2].format, seen[3].template) == ("csv", "{text}")
