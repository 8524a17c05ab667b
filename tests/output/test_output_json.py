import io
import json
from typing import Any

import pytest

from vlmcli.core import JobDone, JobText, PictureInfo
from vlmcli.errors import NotAPicture
from vlmcli.output import OutputSettings, open_writer
from vlmcli.output.record_json import record_to_dict


def run(events: list[Any], **settings: Any) -> str:
    out = io.StringIO()
    with open_writer(OutputSettings(**settings), out, io.StringIO()) as writer:
        for event in events:
            writer.emit(event)
    return out.getvalue()


def test_the_schema(record: Any) -> None:
    expected = {
        "schema": 1,
        "task": "describe",
        "picture": "a.png",
        "pictures": [{"name": "a.png", "width": 640, "height": 480, "sha256": "ab" * 32}],
        "question": "What is it?",
        "model": "demo",
        "text": "A cat.",
        "thinking": "",
        "stop_reason": "end",
        "cut_short": False,
        "tokens": {"prompt": 612, "image": 576, "answer": 48},
        "timings_ms": {"load": 310, "encode": 2100, "prefill": 2500, "first_token": 5010, "decode": 2790},
        "tokens_per_second": 17.2,
        "choice": None,
        "probabilities": None,
        "data": None,
        "confidence": None,
        "cached": False,
        "blocks": [],
        "regions": None,
        "error": None,
    }
    assert list(record_to_dict(record()).items()) == list(expected.items())


def test_errors_have_kind_message_and_hint(record: Any) -> None:
    known = record_to_dict(record("", error=NotAPicture("not a picture: a.txt", "try b.png"), stop_reason=None))
    assert known["error"] == {"kind": "not_a_picture", "message": "not a picture: a.txt", "hint": "try b.png"}
    assert known["stop_reason"] is None
    other = record_to_dict(record("", error=ValueError("odd")))
    assert other["error"] == {"kind": "internal", "message": "ValueError: odd", "hint": ""}


def test_a_picture_that_was_not_read_has_no_size(record: Any) -> None:
    from dataclasses import replace

    value = record_to_dict(replace(record(), pictures=(PictureInfo("x"), PictureInfo("y", 1, 2, "cd"))))
    assert value["picture"] == "x"
    assert value["pictures"][0] == {"name": "x", "width": None, "height": None, "sha256": None}


def test_one_job_is_an_object_several_are_an_array_in_order(record: Any) -> None:
    one = run([JobText(0, "A c"), JobDone(0, record())], format="json")
    assert json.loads(one) == record_to_dict(record())
    assert one.startswith('{\n  "schema": 1,\n')
    assert one[-2:] == "}\n"
    two = run([JobDone(1, record("2")), JobDone(0, record("1"))], format="json", jobs=2)
    assert [value["text"] for value in json.loads(two)] == ["1", "2"]
    assert json.loads(run([], format="json", jobs=0)) == []


def test_jsonl_writes_each_line_as_soon_as_it_is_whole(record: Any) -> None:
    out = io.StringIO()
    with open_writer(OutputSettings(format="jsonl", jobs=2), out, io.StringIO()) as writer:
        writer.emit(JobText(0, "slow"))
        writer.emit(JobDone(1, record("fast\u2028\x85")))
        assert json.loads(out.getvalue())["text"] == "fast\u2028\x85"
        writer.emit(JobDone(0, record("slow")))
    assert [json.loads(line)["text"] for line in out.getvalue().splitlines()] == ["fast\u2028\x85", "slow"]


def test_an_array_that_is_interrupted_is_closed(record: Any) -> None:
    out = io.StringIO()
    with (  # noqa: PT012
        pytest.raises(KeyboardInterrupt),
        open_writer(OutputSettings(format="json", jobs=3), out, io.StringIO()) as writer,
    ):
        writer.emit(JobDone(2, record("3")))
        raise KeyboardInterrupt
    assert [value["text"] for value in json.loads(out.getvalue())] == ["3"]


@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_hostile_text_is_valid_utf8_and_steers_nothing(format: str, record: Any) -> None:
    text = "é漢 \x1b[2J\x9b1m\x7f\u202e\x00\udcff"
    raw = run([JobDone(0, record(text, name="caf\udce9\x1b.png"))], format=format)
    assert "é漢" in raw
    assert raw.encode("utf-8")
    assert not set(raw) & set("\x1b\x9b\x7f\u202e\x00")
    assert json.loads(raw)["text"] == text.replace("\udcff", r"\xff")
    assert json.loads(raw)["picture"] == "caf\\xe9\x1b.png"


def test_a_stream_that_is_not_unicode_loses_nothing(record: Any) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    with open_writer(OutputSettings(format="jsonl"), out, io.StringIO()) as writer:
        writer.emit(JobDone(0, record("é漢🎉")))
    assert json.loads(out.buffer.getvalue().decode("ascii"))["text"] == "é漢🎉"


def test_failures_are_told_on_stderr_too(record: Any) -> None:
    err = io.StringIO()
    with open_writer(OutputSettings(format="jsonl", jobs=2), io.StringIO(), err) as writer:
        writer.emit(JobDone(0, record("", error=NotAPicture("not a picture: a.txt"))))
        writer.emit(JobDone(1, record(cut_short=True)))
    assert err.getvalue() == "vlm: not a picture: a.txt\n"
