"""Choices: scored after the same picture and question, as the model in the box would answer freely."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from tests.engine.tiny_gguf import spm_vocabulary, write
from tests.models.families.references import control_words, opened_vocabulary, template_of
from vlmcli import demo
from vlmcli.core import Answer, Choices, Failed, Finished, LoadedImage, Picture, Request, Sampling, Text, Turn
from vlmcli.engine import ENGINES, Engine, EngineSettings
from vlmcli.engine.leading import scored_choices
from vlmcli.engine.llama import labels as labels_module
from vlmcli.engine.llama.labels import labels_after
from vlmcli.engine.llama.prompt import Run, continued, render, tokenize_run
from vlmcli.images import load, resolve
from vlmcli.models import resolve_model
from vlmcli.models.families import FAMILIES

COLOURS = ("red", "green", "blue", "yellow", "black", "white")
COUNTS = ("one", "two", "three", "four")
SHAPES = ("red circle top left", "blue square center", "green triangle bottom right", "purple square top right")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    opened = ENGINES["llama"](resolve_model("demo"), EngineSettings(threads=1))
    yield opened
    opened.close()


def asked(engine: Engine, picture: Path, question: str, labels: tuple[str, ...] = (), **form: Any) -> Answer:
    turn = Turn("user", (Picture(load(resolve(str(picture)))), Text(question)))
    choices = Choices(labels, **form) if labels else None
    for event in engine.stream([Request(0, (turn,), Sampling(max_tokens=24), form=choices)]):
        assert not isinstance(event, Failed), event.error
        if isinstance(event, Finished):
            return event.answer
    raise AssertionError("no answer")


def chosen_and_said(engine: Engine, picture: Path, question: str, labels: tuple[str, ...]) -> tuple[str, str]:
    answer = asked(engine, picture, question, labels)
    assert math.fsum(answer.probabilities) == pytest.approx(1, abs=1e-12)
    assert answer.text == labels[answer.probabilities.index(max(answer.probabilities))]
    words = re.findall(r"\w+", asked(engine, picture, question).text.lower())
    return answer.text, next(word for word in words if word in labels)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_choices_agree_with_a_free_count(engine: Engine, draw: Callable[..., Path], count: int) -> None:
    picture = draw("a.png", "white", SHAPES[:count])
    chosen, said = chosen_and_said(engine, picture, "How many shapes are there?", COUNTS)
    assert chosen == said == COUNTS[count - 1]


@pytest.mark.parametrize("colour", COLOURS)
def test_choices_agree_with_a_free_colour(engine: Engine, draw: Callable[..., Path], colour: str) -> None:
    picture = draw("a.png", colour, ["green circle center" if colour != "green" else "red circle center"])
    chosen, said = chosen_and_said(engine, picture, "What colour is the background?", COLOURS)
    assert chosen == said == colour


@pytest.mark.parametrize("name", ["shapes.png", "text.png"])
def test_choices_agree_with_a_free_yes(engine: Engine, name: str) -> None:
    """The model says Yes, the label is yes."""
    chosen, said = chosen_and_said(engine, demo.PICTURES / name, "Is there a star?", ("yes", "no"))
    assert chosen == said


def test_the_order_of_labels_changes_no_number(engine: Engine) -> None:
    labels = ("two", "a few", "three", "two or three")
    picture = demo.PICTURES / "shapes.png"
    found = [asked(engine, picture, "How many shapes are there?", each) for each in permutations(labels)]
    numbers = [
        dict(zip(each, a.probabilities, strict=True)) for each, a in zip(permutations(labels), found, strict=True)
    ]
    assert all(each == numbers[0] for each in numbers)


def test_a_label_that_begins_another_can_win_and_lose(engine: Engine) -> None:
    """By the end of the answer, which counts where one label goes on after another."""
    picture = demo.PICTURES / "shapes.png"
    short = asked(engine, picture, "How many shapes are there?", ("There are two", "There are two shapes."), lead_in="")
    whole = ("There are two shapes.", "There are two shapes. There are two")
    assert short.text == "There are two shapes."
    assert asked(engine, picture, "How many shapes are there?", whole, lead_in="").text == "There are two shapes."


def test_more_labels_than_sequences(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """They go in rounds, and come out as they would in one batch."""
    labels = ("two", *(f"thing {number} größer" for number in range(150)))
    picture, question = demo.PICTURES / "shapes.png", "How many shapes are there?"
    rounds = asked(engine, picture, question, labels)
    assert rounds.text == "two"
    monkeypatch.setattr(labels_module, "SIDE_BY_SIDE", 3)
    few = asked(engine, picture, question, labels)
    assert few.probabilities == pytest.approx(rounds.probabilities, rel=1e-3)
    assert math.fsum(rounds.probabilities) == pytest.approx(1)


def test_labels_of_any_length_and_language(engine: Engine) -> None:
    labels = ("日本語", "не знаю", "🙂", "x" * 400, "a sentence that goes on and on, with a comma, and 12 % more")
    answer = asked(engine, demo.PICTURES / "shapes.png", "What is this?", labels)
    assert answer.text in labels
    assert all(share >= 0 for share in answer.probabilities)


def test_scoring_leaves_no_trace(engine: Engine) -> None:
    picture, question = demo.PICTURES / "shapes.png", "How many shapes are there?"
    before = asked(engine, picture, question)
    first, again = (asked(engine, picture, question, COUNTS).probabilities for _ in range(2))
    assert first == again
    assert asked(engine, picture, question).text == before.text


def test_many_pictures_are_each_scored_by_themselves(engine: Engine, draw: Callable[..., Path]) -> None:
    pictures = [draw(f"{c}.png", c, ["green circle center"]) for c in ("red", "blue", "yellow")]
    turns = [Turn("user", (Picture(load(resolve(str(p)))), Text("What colour is the background?"))) for p in pictures]
    requests = [Request(n, (turn,), form=Choices(COLOURS), one_of_many=True) for n, turn in enumerate(turns)]
    found = {e.id: e.answer.text for e in engine.stream(requests) if isinstance(e, Finished)}
    assert [found[n] for n in range(3)] == ["red", "blue", "yellow"]


def test_time_over_gives_no_choice(engine: Engine) -> None:
    turn = Turn("user", (Picture(load(resolve(str(demo.PICTURES / "text.png")))), Text("Is there a star?")))
    (answer,) = [
        e.answer
        for e in engine.stream([Request(0, (turn,), form=Choices(("yes", "no")), timeout_s=1e-6)])
        if isinstance(e, Finished)
    ]
    assert (answer.stop_reason, answer.text, answer.probabilities) == ("timeout", "", ())


# --- tokens -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_tokens_of_a_label_are_those_of_the_whole_prompt(family: str, tmp_path: Path) -> None:
    """A word that is tokenized on its own has a space before it in some vocabularies, and none in its place."""
    words = ["US", "ER", "▁US", "▁the", "</", "▁<", "s>", "im", "▁What", "▁yes", "yes", "▁no", ":▁no", "ant"]
    path = write(tmp_path / "v.gguf", spm_vocabulary(control_words(), words))
    image = LoadedImage("a.png", 1, 1, b"\0\0\0", "digest")
    request = Request(0, (Turn("user", (Picture(image), Text("What?"))),))
    run = render(request, template_of(family), "\n")[-1]
    assert not isinstance(run, LoadedImage)
    texts = ("yes", "no", "no the", "</s>", "größer")
    with opened_vocabulary(path) as vocabulary:
        labels = labels_after(run, texts, vocabulary)
        prompt = tokenize_run(run, vocabulary)
        for text, tokens in zip(labels.texts, labels.tokens, strict=True):
            assert tokens
            assert [*prompt[: len(prompt) - labels.cut], *tokens] == tokenize_run(continued(run, text), vocabulary)
            assert not any(map(vocabulary.is_control, tokens[labels.cut :]))


def test_a_label_goes_on_as_an_answer_would() -> None:
    def text(run: Run) -> str:
        return "".join(span.text for span in run)

    for family in FAMILIES:
        request = Request(0, (Turn("user", (Text("What?"),)),))
        template = template_of(family)
        (bare,), (whole,) = (
            render(request, template, "\n"),
            render(Request(0, request.turns, prefix="yes"), template, "\n"),
        )
        assert not isinstance(bare, LoadedImage)
        assert not isinstance(whole, LoadedImage)
        assert text(continued(bare, "yes")) == text(whole)


@pytest.mark.parametrize(
    ("said", "labels", "expected"),
    [
        ("The background is red.", ("red", "blue"), Choices(("red", "blue"), "The background is")),
        ("Yes, there is.", ("yes", "no"), Choices(("Yes", "No"), "")),
        ("It is red", ("Red", "Blue"), Choices(("red", "blue"), "It is")),
        ("There is no person", ("no", "no person"), Choices(("no", "no person"), "There is")),
        ("An infrared one", ("red", "blue"), None),
        ("", ("red", "blue"), None),
        ("A cat", ("a", "A"), Choices(("a", "A"), "")),
        ("Use c++ (now)", ("c++", "(now)"), Choices(("c++", "(now)"), "Use")),
    ],
)
def test_where_a_model_names_a_label(said: str, labels: tuple[str, ...], expected: Choices | None) -> None:
    assert scored_choices(labels, said) == expected
