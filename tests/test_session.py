"""A conversation: each question comes with what was said; a full context forgets words and never the picture."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PIL import Image

from vlmcli import Vlm
from vlmcli.core import ImageRef, JobDone, JobEvent, JobText, Record, StopReason
from vlmcli.errors import DoesNotFit, VlmError
from vlmcli.session import Conversation
from vlmcli.tasks import Exchange

A, B = ImageRef("a"), ImageRef("b")


class Answers:
    """Answers question n with "answer n", unless more is said than `room` exchanges."""

    def __init__(self, room: int = 99, reason: StopReason = "end") -> None:
        self.room, self.reason = room, reason
        self.asked: list[tuple[tuple[ImageRef, ...], str, tuple[Exchange, ...]]] = []

    def __call__(
        self, pictures: tuple[ImageRef, ...], question: str, history: tuple[Exchange, ...]
    ) -> Iterator[JobEvent]:
        self.asked.append((pictures, question, history))
        if len(history) >= self.room:
            yield JobDone(0, Record((), "ask", question, "m", error=DoesNotFit("too long")))
            return
        text = f"to {question}"
        yield JobText(0, text)
        yield JobDone(0, Record((), "ask", question, "m", text=text, stop_reason=self.reason))


def test_each_question_comes_with_what_was_said() -> None:
    start = Answers()
    talk = Conversation((A,), start)
    assert [str(talk.ask(q)) for q in ("1", "2")] == ["to 1", "to 2"]
    assert start.asked == [((A,), "1", ()), ((A,), "2", (("1", "to 1"),))]


def test_full_context_forgets_the_oldest_and_asks_again() -> None:
    start = Answers(room=2)
    talk = Conversation((A,), start)
    assert [str(talk.ask(q)) for q in "1234"] == ["to 1", "to 2", "to 3", "to 4"]
    assert start.asked[-1] == ((A,), "4", (("2", "to 2"), ("3", "to 3"))[1:])
    assert talk.forgotten == 2


def test_answer_without_room_forgets_for_the_next() -> None:
    talk = Conversation((A,), Answers(reason="context"))
    for question in "12":
        str(talk.ask(question))
    assert talk.history == (("2", "to 2"),)


def test_what_is_forgotten_stays_in_the_record_of_the_talk() -> None:
    talk = Conversation((A,), Answers(room=1))
    for question in "123":
        str(talk.ask(question))
    assert talk.history == (("3", "to 3"),)
    assert talk.said == [("1", "to 1"), ("2", "to 2"), ("3", "to 3")]


def test_question_that_fits_nowhere_forgets_nothing() -> None:
    start = Answers()
    talk = Conversation((A,), start)
    for question in "12":
        str(talk.ask(question))
    start.room = 0
    with pytest.raises(DoesNotFit):
        str(talk.ask("too long a question"))
    assert (talk.forgotten, len(talk.history)) == (0, 2)
    start.room = 99
    str(talk.ask("3"))
    assert start.asked[-1] == ((A,), "3", (("1", "to 1"), ("2", "to 2")))


def test_question_that_fits_nowhere_is_an_error() -> None:
    talk = Conversation((A,), Answers(room=0))
    with pytest.raises(DoesNotFit):
        str(talk.ask("1"))
    assert talk.history == ()


def test_reset_forgets_words_and_may_change_the_picture() -> None:
    start = Answers()
    talk = Conversation((A,), start)
    str(talk.ask("1"))
    talk.reset((B,))
    str(talk.ask("2"))
    assert start.asked[-1] == ((B,), "2", ())
    talk.reset()
    assert talk.pictures == (B,)


def test_real_conversation_looks_once() -> None:
    with Vlm("demo") as vlm:
        talk = vlm.conversation(Image.new("RGB", (120, 120), "red"), max_tokens=20)
        first = talk.ask("What is the background?").record
        later = talk.ask("How many shapes are there?").record
        assert first.timings.encode_ms > 0 == later.timings.encode_ms
        assert later.prompt_tokens > first.prompt_tokens + first.answer_tokens
        assert later.question == "How many shapes are there?"


def test_conversation_about_nothing_is_refused() -> None:
    with Vlm("demo") as vlm, pytest.raises(VlmError):
        vlm.conversation("none.png")
