"""Server-sent events, however the bytes are cut and the lines are ended."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlmcli.engine.server.events import EventReader

STREAM = (
    '\ufeff: hello\n\ndata: {"a": "é€😀"}\n\nevent: x\nid: 7\ndata:no space\n\nretry: 5\n\ndata: two\ndata: lines\n\n'
    "data\n\n:\n\ndata: [DONE]\n\n"
).encode()
EXPECTED = ['{"a": "é€😀"}', "no space", "two\nlines", "", "[DONE]"]


def read(pieces: list[bytes]) -> list[str]:
    reader = EventReader()
    found = [event for piece in pieces for event in reader.feed(piece)]
    return found + reader.finish()


@given(st.lists(st.integers(0, len(STREAM) * 2)), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_any_cut_gives_the_same_events(cuts: list[int], ending: bytes) -> None:
    stream = STREAM.replace(b"\n", ending)
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[a:b] for a, b in itertools.pairwise(places)]
    assert read(pieces) == EXPECTED


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_byte_by_byte(ending: bytes) -> None:
    stream = STREAM.replace(b"\n", ending)
    assert read([bytes([each]) for each in stream]) == EXPECTED


@pytest.mark.parametrize("stream", [b"data: x", b"data: x\n", b"data: x\r\n", b"data: x\r", b"data: x\n\n"])
def test_the_last_event_needs_no_empty_line(stream: bytes) -> None:
    assert read([stream]) == ["x"]


def test_bytes_that_are_no_text_become_a_sign_for_that() -> None:
    assert read([b"data: \xff\xfe\n\n"]) == ["\ufffd\ufffd"]


def test_an_event_comes_as_soon_as_it_is_whole() -> None:
    reader = EventReader()
    assert reader.feed(b"data: a\n\nda") == ["a"]
    assert reader.feed(b"ta: b\n") == []
    assert reader.feed(b"\n") == ["b"]


@given(st.binary())
def test_no_bytes_break_it(data: bytes) -> None:
    assert all(isinstance(event, str) for event in read([data]))
