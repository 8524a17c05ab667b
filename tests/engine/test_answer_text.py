"""From the bytes of tokens to words: whole characters, stop strings, loops; and nothing is ever taken back."""

from __future__ import annotations

import random

import pytest

from vlmcli.engine.text import AnswerText


def said(pieces: list[bytes], *stops: str, watch: bool = False) -> tuple[list[str], AnswerText]:
    """What was shown, piece by piece, and the answer. Each distinct piece is one token."""
    answer = AnswerText(stops, watch)
    shown = []
    for piece in pieces:
        answer.add(hash(piece), piece)
        shown.append(answer.take())
        if answer.stopped_by:
            break
    shown.append(answer.finish())
    assert "".join(shown) == answer.text
    return shown, answer


def test_words_come_as_they_are() -> None:
    shown, answer = said([b" A", b" red", b" ring", b"."])
    assert shown[:2] == ["A", " red"]
    assert answer.text == "A red ring."


def test_split_characters_wait_until_they_are_whole() -> None:
    data = "é漢🙂".encode()
    shown, answer = said([data[i : i + 1] for i in range(len(data))])
    assert answer.text == "é漢🙂"
    assert all("\ufffd" not in words for words in shown)


def test_broken_bytes_become_a_mark_at_the_end() -> None:
    assert said([b"a", b"\xf0\x9f"])[1].text == "a\ufffd"


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_stop_string_is_cut_however_it_is_split(size: int) -> None:
    data = b"It is red. USER: and then"
    shown, answer = said([data[i : i + size] for i in range(0, len(data), size)], "USER:")
    assert answer.text == "It is red."
    assert answer.stopped_by == "stop"
    assert not any("U" in words for words in shown)


def test_beginning_of_a_stop_string_is_said_when_it_was_none() -> None:
    assert said([b"an US", b"A flag"], "USER:")[1].text == "an USA flag"


def test_white_space_at_both_ends_is_not_part_of_an_answer() -> None:
    assert said([b"\n ", b" yes", b" \n", b"\n"])[1].text == "yes"


def test_an_answer_that_goes_on_keeps_its_first_space() -> None:
    answer = AnswerText(continues=True)
    answer.add(1, b" more")
    assert answer.take() == " more"


def test_loop_is_stopped_and_trimmed() -> None:
    loop = [f" w{i}".encode() for i in range(10)]
    shown, answer = said([b"Start", *loop * 40], watch=True)
    assert answer.stopped_by == "repetition"
    assert len(shown) < 80
    assert answer.text.startswith("Start w0 w1 w2 w3 w4 w5 w6 w7 w8 w9")
    assert len(answer.text.split()) <= 1 + 10 + 6  # the loop once, and what was shown before it could be known


def test_one_word_for_ever_is_a_loop() -> None:
    _, answer = said([b"Total", *[b" 0"] * 500], watch=True)
    assert answer.stopped_by == "repetition"
    assert len(answer.text) < 30


def test_what_pages_truly_repeat_is_no_loop() -> None:
    row = [b"Item", b" ", b"0", b".", b"00", b"\n"]
    _, answer = said([*row * 6, b"Sum"], watch=True)
    assert answer.stopped_by is None
    assert answer.text.endswith("Sum")
    _, dots = said([b"Chapter", *[b"."] * 40, b" 7"], watch=True)
    assert dots.text == "Chapter" + "." * 40 + " 7"


@pytest.mark.parametrize("seed", range(20))
def test_random_text_is_shown_whole(seed: int) -> None:
    chance = random.Random(seed)
    pieces = [chance.choice([b"a", b" b", b"\n", b"0", "ü".encode(), b"ST", b"O"]) for _ in range(300)]
    text = said(pieces, "STOP", watch=True)[1].text
    assert b"".join(pieces).decode().strip().startswith(text)
