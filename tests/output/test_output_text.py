"""Plain text: what a pipe gets, and what stderr says about it."""

import io
from dataclasses import replace
from typing import Any

import pytest

from vlmcli.core import JobDone, JobStage, JobText
from vlmcli.errors import NotAPicture, UsageError
from vlmcli.output import OutputSettings, open_writer, print_error

NAMES = ["a.png", "b.png", "c.png"]


class Pipe(io.StringIO):
    """Remembers what was there at each flush."""

    def __init__(self) -> None:
        super().__init__()
        self.flushed = ""

    def flush(self) -> None:
        self.flushed = self.getvalue()


def run(events: list[Any], **settings: Any) -> tuple[str, str]:
    out, err = Pipe(), Pipe()
    with open_writer(OutputSettings(**settings), out, err) as writer:
        for event in events:
            writer.emit(event)
    return out.getvalue(), err.getvalue()


def test_each_word_is_there_when_it_is_said(record: Any) -> None:
    out = Pipe()
    with open_writer(OutputSettings(), out, Pipe()) as writer:
        writer.emit(JobStage(None, "loading"))
        for chunk, there in [(" A", "A"), (" black", "A black"), (" ", "A black"), ("cat.\n", "A black cat.")]:
            writer.emit(JobText(0, chunk))
            assert out.flushed == there
        writer.emit(JobDone(0, record(" A black cat.\n")))
    assert out.flushed == "A black cat.\n"


@pytest.mark.parametrize("text", ["A cat.", "\n A cat. \n\n", "A cat.\n"])
@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_ends_with_one_newline(text: str, stream: bool, record: Any) -> None:
    assert run([JobText(0, text), JobDone(0, record(text))], stream=stream) == ("A cat.\n", "")


def test_an_empty_answer_is_an_empty_line(record: Any) -> None:
    assert run([JobDone(0, record(""))])[0] == "\n"


def test_without_streaming_nothing_comes_before_the_end(record: Any) -> None:
    out = Pipe()
    with open_writer(OutputSettings(stream=False), out, Pipe()) as writer:
        writer.emit(JobText(0, "A cat."))
        assert out.getvalue() == ""
        writer.emit(JobDone(0, record()))
    assert out.getvalue() == "A cat.\n"


def test_jobs_are_shown_in_order_and_the_first_unfinished_one_live(record: Any) -> None:
    out = Pipe()
    with open_writer(OutputSettings(jobs=3, heading=NAMES.__getitem__), out, Pipe()) as writer:
        writer.emit(JobText(1, "two"))
        writer.emit(JobText(0, "on"))
        writer.emit(JobDone(2, record("three", name="c.png")))
        assert out.getvalue() == "==> a.png <==\non"
        writer.emit(JobText(0, "e"))
        writer.emit(JobDone(0, record("one")))
        assert out.getvalue() == "==> a.png <==\none\n\n==> b.png <==\ntwo"
        writer.emit(JobText(1, " too"))
        writer.emit(JobDone(1, record("two too", name="b.png")))
    assert out.getvalue() == "==> a.png <==\none\n\n==> b.png <==\ntwo too\n\n==> c.png <==\nthree\n"


def test_without_headings_known_before_the_record_has_them(record: Any) -> None:
    events = [JobText(0, "o"), JobDone(0, record("one", name="x\n.png")), JobDone(1, record("two", name="y.png"))]
    assert run(events, jobs=None)[0] == "==> x\\n.png <==\none\n\n==> y.png <==\ntwo\n"


def test_a_finished_answer_behind_a_slow_one_is_not_lost(record: Any) -> None:
    out = Pipe()
    with (  # noqa: PT012
        pytest.raises(KeyboardInterrupt),
        open_writer(OutputSettings(jobs=3, heading=NAMES.__getitem__), out) as writer,
    ):
        writer.emit(JobText(0, "slow"))
        writer.emit(JobDone(2, record("three")))
        writer.emit(JobText(1, "half"))
        raise KeyboardInterrupt
    assert out.getvalue() == "==> a.png <==\nslow\n\n==> c.png <==\nthree\n"


def test_a_failed_picture_is_a_sentence_on_stderr_and_the_others_go_on(record: Any) -> None:
    failed = record(
        "", error=NotAPicture("not a picture: a\x1b.png", "vlm describe b.png\nor another"), stop_reason=None
    )
    said = "vlm: not a picture: a\\x1b.png\n  vlm describe b.png\n  or another\n"
    assert run([JobDone(0, failed)], quiet=True) == ("", said)
    events = [JobDone(0, failed), JobDone(1, record("two", name="b.png"))]
    assert run(events, jobs=2, heading=NAMES.__getitem__) == ("==> b.png <==\ntwo\n", said)


def test_a_failure_in_the_middle_of_an_answer_ends_the_line(record: Any) -> None:
    assert run([JobText(0, "A c"), JobDone(0, record("", error=NotAPicture("gone")))]) == ("A c\n", "vlm: gone\n")


@pytest.mark.parametrize(
    ("reason", "words"),
    {
        "length": "the answer reached 48 tokens (--max-tokens 96 leaves it more room)",
        "repetition": "it went round in a loop",
        "timeout": "its time was over (--timeout SECONDS gives it more)",
        "context": "there was no room left in the model's context",
        "interrupted": "interrupted",
    }.items(),
)
def test_an_answer_that_is_not_whole_says_why(reason: str, words: str, record: Any) -> None:
    events = [JobDone(0, record("A c", cut_short=True, stop_reason=reason))]
    assert run(events) == ("A c\n", f"vlm: a.png: cut short: {words}\n")
    assert run(events, quiet=True) == ("A c\n", "")


def test_an_answer_that_was_begun_again_is_given_whole(record: Any) -> None:
    out, err = run([JobText(0, "la la la"), JobDone(0, record("A song."))])
    assert out == "la la la\nA song.\n"
    assert err == "vlm: a.png: the answer was begun again; the last one counts\n"


def test_an_answer_that_was_trimmed_or_went_on(record: Any) -> None:
    assert run([JobText(0, "A cat. A cat."), JobDone(0, record("A cat."))]) == ("A cat. A cat.\n", "")
    assert run([JobText(0, "A cat."), JobDone(0, record("A cat. A dog."))]) == ("A cat. A dog.\n", "")


def test_stats_are_one_line_for_each_answer(record: Any) -> None:
    line = "load 0.31 s · encode 2.10 s · read 612 tokens in 2.50 s · first token 5.01 s · 48 tokens at 17.2/s\n"
    assert run([JobDone(0, record())], stats=True) == ("A cat.\n", line)
    assert run([JobDone(0, record())], stats=True, quiet=True) == ("A cat.\n", "")
    assert run([JobDone(0, record())], stats=True, jobs=None)[1] == "a.png: " + line


def test_hostile_words_and_names_are_harmless(record: Any) -> None:
    text = "\x1b]0;owned\x07A \x1b[2Jcat\x9b1m.\u202e"
    events = [*(JobText(0, char) for char in text), JobDone(0, record(text, name="\x1b[2J.png", cut_short=True))]
    out, err = run(events, jobs=2, heading=lambda job: "\x1b[2J.png")
    assert out == "==> \\x1b[2J.png <==\nA cat.\n"
    assert "\x1b" not in err
    assert err.startswith("vlm: \\x1b[2J.png: cut short")


def test_what_an_encoding_cannot_show_is_replaced(record: Any) -> None:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="ascii") for _ in range(2))
    with open_writer(OutputSettings(stats=True), out, err) as writer:
        writer.emit(JobDone(0, record("“A 猫” • e…")))
    assert out.buffer.getvalue() == b"?A ?? * e...\n"
    assert b"load 0.31 s - encode" in err.buffer.getvalue()


def test_errors_of_any_kind_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    print_error(ValueError("odd\nthing"))
    assert capsys.readouterr().err == "vlm: ValueError: odd\\nthing\n"


def test_streams_are_those_of_the_moment(capsys: pytest.CaptureFixture[str], record: Any) -> None:
    with open_writer(OutputSettings(stats=True)) as writer:
        writer.emit(JobDone(0, record()))
    out, err = capsys.readouterr()
    assert out == "A cat.\n"
    assert err.startswith("load")


def test_no_stderr_at_all(record: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", None)
    out = Pipe()
    with open_writer(OutputSettings(stats=True), out) as writer:
        writer.emit(JobDone(0, record(cut_short=True)))
    assert out.getvalue() == "A cat.\n"


def test_an_unknown_format_is_named_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="no format xml") as caught:
        open_writer(OutputSettings(format="xml"))
    assert caught.value.hint == "One of: text, json, jsonl, csv, markdown, html, hocr, imagefolder"


def test_a_page_without_text_is_nothing(record: Any) -> None:
    assert run([JobDone(0, replace(record(""), task="ocr"))])[0] == ""
