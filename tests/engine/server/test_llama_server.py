"""A real llama-server with the model in the box answers as the model does here, whatever the task."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Result
from vlmcli import Vlm, demo
from vlmcli.core import Answer, Choices, Failed, Finished, Form, Pattern, Picture, Request, Sampling, Schema, Text, Turn
from vlmcli.images import load, resolve

Run = Callable[..., Result]

PICTURES = sorted(demo.PICTURES.glob("*.png"))
SHAPES = demo.PICTURES / "shapes.png"
QUESTIONS = ["How many shapes are there?", "What is the background?", "Is there a star?"]


@pytest.fixture(scope="module")
def here() -> Vlm:
    return Vlm("demo", cache=False)


@pytest.fixture
def there(llama_server: str) -> Vlm:
    return Vlm(engine=llama_server, family="demo")


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.stem)
def test_the_same_answers(here: Vlm, there: Vlm, picture: Path) -> None:
    for style in ("short", "tags"):
        assert there.describe(picture, style=style).record.text == here.describe(picture, style=style).record.text
    for question in QUESTIONS:
        assert there.ask(picture, question).record.text == here.ask(picture, question).record.text
    assert there.ocr(picture).record.text == here.ocr(picture).record.text


def test_several_pictures_in_one_question(here: Vlm, there: Vlm) -> None:
    pair = demo.PICTURES / "before.png", demo.PICTURES / "after.png"
    for strategy in ("native", "stitch"):
        theirs, ours = (vlm.compare(*pair, strategy=strategy).record for vlm in (there, here))
        assert theirs.text == ours.text


def test_the_same_tokens(here: Vlm, there: Vlm) -> None:
    """The prompt is the same but for its picture, whose tokens only vlm counts one by one."""
    theirs, ours = (vlm.ask(SHAPES, QUESTIONS[0]).record for vlm in (there, here))
    assert abs(theirs.prompt_tokens - ours.prompt_tokens) <= 2
    assert theirs.answer_tokens in (ours.answer_tokens, ours.answer_tokens + 1)  # it counts the end
    assert theirs.timings.first_token_ms > 0


def test_a_conversation(here: Vlm, there: Vlm) -> None:
    said = []
    for vlm in (there, here):
        talk = vlm.conversation(SHAPES)
        said.append([talk.ask(question).record.text for question in QUESTIONS])
    assert said[0] == said[1]


def test_it_streams(there: Vlm) -> None:
    reply = there.describe(SHAPES)
    pieces = list(reply)
    assert len(pieces) > 3
    assert "".join(pieces) == reply.record.text


def test_many_side_by_side(llama_server: str, vlm: Run) -> None:
    names = [str(picture) for picture in PICTURES] * 2
    theirs = vlm("ask", *names, "-q", QUESTIONS[1], "--engine", llama_server, "--format", "jsonl")
    ours = vlm("ask", *names, "-q", QUESTIONS[1], "--model", "demo", "--format", "jsonl")
    records = [[json.loads(line) for line in result.stdout.splitlines()] for result in (theirs, ours)]
    found = [sorted((record["picture"], record["text"]) for record in each) for each in records]
    assert found[0] == found[1]
    assert {record["model"] for record in records[0]} == {"demo"}


def test_its_memory_of_other_pictures_is_no_reason_to_fail(here: Vlm, there: Vlm) -> None:
    """It has failed here ("Chunk not found"): a picture that was the first of two, asked about alone."""
    before, after = demo.PICTURES / "before.png", demo.PICTURES / "after.png"
    for _ in range(3):
        assert there.compare(before, after).record.text
        assert there.ask(before, QUESTIONS[1]).record.text == here.ask(before, QUESTIONS[1]).record.text


def test_a_system_message_is_sent(here: Vlm, there: Vlm) -> None:
    theirs, ours = (vlm.ask(SHAPES, QUESTIONS[0], system="Be brief.").record for vlm in (there, here))
    assert theirs.prompt_tokens > there.ask(SHAPES, QUESTIONS[0]).record.prompt_tokens
    assert theirs.text == ours.text


def test_control_words_in_a_question_do_not_end_the_world(there: Vlm) -> None:
    assert there.ask(SHAPES, "</s> <__media__> How many shapes are there?").record.error is None


def test_an_answer_is_gone_on_with(here: Vlm, there: Vlm) -> None:
    """It says again what was said before, which is no part of the answer."""
    question, prefix = "Describe this picture in one or two sentences.", "A large red circle at the top left"
    theirs, ours = (asked(vlm, question, None, prefix=prefix) for vlm in (there, here))
    assert theirs.text == ours.text == " and a small blue star in the center on a yellow background."


# --- forms --------------------------------------------------------------------------------------------------


def asked(vlm: Vlm, question: str, form: Form | None, prefix: str = "") -> Answer:
    """What the engine answers to a request of this form."""
    turn = Turn("user", (Picture(load(resolve(str(SHAPES)))), Text(question)))
    request = Request(0, (turn,), Sampling(max_tokens=64), form, prefix)
    (event,) = [each for each in vlm._open_engine().stream([request]) if isinstance(each, Finished | Failed)]
    assert isinstance(event, Finished), event
    return event.answer


def test_choices(there: Vlm) -> None:
    labels = ("The background is red.", "The background is yellow.", "The background is black.")
    answer = asked(there, "What is the background?", Choices(labels))
    assert answer.text == labels[1]
    answer = asked(there, "Is there a star?", Choices(("Yes", "No")))
    assert answer.text == "Yes"
    assert len(answer.probabilities) == 2
    assert answer.probabilities[0] > 0.5
    assert sum(answer.probabilities) == pytest.approx(1.0)


def test_choices_calibrated(there: Vlm) -> None:
    plain, taken_away = (
        there.ask(SHAPES, "Is there a star?", choices=("Yes", "No"), calibrate=each).record.probabilities
        for each in (False, True)
    )
    assert plain
    assert taken_away
    assert taken_away != plain


def test_a_schema(there: Vlm) -> None:
    schema = {"type": "object", "properties": {"many": {"enum": ["one", "two"]}}, "required": ["many"]}
    answer = asked(there, "How many shapes are there?", Schema(json.dumps(schema | {"additionalProperties": False})))
    assert json.loads(answer.text)["many"] in ("one", "two")


def test_a_pattern(there: Vlm) -> None:
    regex = "There are (one|two|three) (shapes|stars)\\."
    answer = asked(there, "How many shapes are there?", Pattern(regex))
    assert re.fullmatch(regex, answer.text)
    assert answer.text == "There are two shapes."


# --- what goes wrong ----------------------------------------------------------------------------------------


def test_too_long_a_question(llama_server: str, vlm: Run) -> None:
    result = vlm("ask", str(SHAPES), "word " * 5000, "--engine", llama_server)
    assert result.code == 5
    assert result.stderr.startswith("vlm: It does not fit into the context that the server gives: request (")


def test_a_full_context_forgets_the_oldest_exchange(there: Vlm) -> None:
    talk = there.conversation(SHAPES)
    for number in range(4):
        assert talk.ask(f"{number} " + "word " * 500).record.error is None
    assert talk.forgotten > 0
