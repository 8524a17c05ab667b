"""True answers: the model in the box looks at drawings of its own small world, through the command line.

Asked is what this version of it knows (the table is in demo_model/README.md): one that knows more brings more here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vlmcli import demo

Run = Callable[..., Any]
NUMBERS = ("no", "one", "two", "three", "four")
SHAPES = ("red circle top left", "blue square center", "green triangle bottom right", "purple square top right")
BACKGROUNDS = ("red", "green", "blue", "yellow", "orange", "purple", "pink", "brown", "black", "white", "gray", "cyan")


@pytest.fixture
def told(vlm: Run) -> Callable[..., str]:
    """What the model says, in lower case."""

    def run(*arguments: str | Path) -> str:
        result = vlm(*arguments, "--model", "demo")
        assert (result.code, result.stderr) == (0, "")
        return str(result.stdout).strip().lower()

    return run


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text)


@pytest.mark.parametrize("count", range(1, 5))
def test_it_counts(told: Run, draw: Run, count: int) -> None:
    answer = told("ask", draw("a.png", "white", SHAPES[:count]), "How many shapes are there?")
    assert NUMBERS[count] in words(answer)


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_it_sees_the_background(told: Run, draw: Run, background: str) -> None:
    shape = "white circle center" if background != "white" else "blue circle center"
    answer = told("ask", draw("a.png", background, [shape]), "What colour is the background?")
    assert background in words(answer)


@pytest.mark.parametrize("kind", ["circle", "square", "triangle"])
@pytest.mark.parametrize("colour", ["red", "blue", "green", "yellow"])
def test_it_sees_the_colour_of_a_shape(told: Run, draw: Run, kind: str, colour: str) -> None:
    answer = told("ask", draw("a.png", "black", [f"{colour} {kind} center"]), f"What color is the {kind}?")
    assert colour in words(answer)


@pytest.mark.parametrize("place", ["top left", "top right", "center", "bottom left", "bottom right"])
def test_it_sees_where_a_shape_is(told: Run, draw: Run, place: str) -> None:
    answer = told("ask", draw("a.png", "white", [f"red circle {place}"]), "Where is the circle?")
    assert place in answer


@pytest.mark.parametrize("shape", ["circle", "star"])
def test_it_says_that_there_is_no_shape_in_a_picture_of_text(told: Run, shape: str) -> None:
    assert words(told("ask", demo.PICTURES / "text.png", f"Is there a {shape}?"))[0] in ("no", "there")


def test_it_says_what_is_there(told: Run, draw: Run) -> None:
    assert words(told("ask", draw("a.png", "white", ["red circle center"]), "Is there a circle?"))[0] == "yes"


def test_it_describes(told: Run, draw: Run) -> None:
    said = words(told("describe", draw("a.png", "yellow", ["blue square center"])))
    assert {"blue", "square", "yellow"} <= set(said)
    assert not {"red", "circle", "triangle", "star"} & set(said)


@pytest.mark.parametrize("style", ["short", "caption", "detailed", "alt", "tags"])
def test_it_describes_in_every_style(told: Run, draw: Run, style: str) -> None:
    said = words(told("describe", "--style", style, draw("a.png", "white", ["red circle center"])))
    assert {"red", "circle", "white"} <= set(said)


def test_it_reads(told: Run) -> None:
    assert told("ocr", demo.PICTURES / "text.png") == "sale"


def test_it_reads_nothing_where_there_is_nothing(told: Run, draw: Run) -> None:
    assert told("ocr", draw("a.png", "white", ["red circle center"])) == ""
    assert "no text" in told("ask", draw("a.png", "white", ["red circle center"]), "Read the text in this picture.")


def test_it_compares(told: Run) -> None:
    """In the right order: what was first must be said first."""
    gray, black = demo.PICTURES / "before.png", demo.PICTURES / "after.png"
    assert told("compare", gray, black) == "the background changed from gray to black."
    assert told("compare", black, gray) == "the background changed from black to gray."


def test_each_picture_gets_its_own_answer(told: Run, draw: Run) -> None:
    """Answered side by side in one batch: none may see its neighbour's picture."""
    colours = ("red", "green", "blue", "yellow", "black", "orange")
    pictures = [draw(f"{colour}.png", colour, ["white square center"]) for colour in colours]
    said = told("ask", *pictures, "What colour is the background?")
    parts = re.split(r"==> \S*/(\w+)\.png <==", said)[1:]
    assert parts[::2] == list(colours)
    for colour, answer in zip(parts[::2], parts[1::2], strict=True):
        assert colour in words(answer)
        assert not (set(colours) - {colour}) & set(words(answer))


def test_a_turned_photograph_is_seen_upright(told: Run, draw: Run) -> None:
    from PIL import Image

    path = draw("a.png", "white", ["red circle top left"])
    turned = path.with_name("turned.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise before it is looked at
    Image.open(path).transpose(Image.Transpose.ROTATE_90).save(turned, exif=exif, quality=95)
    assert "top left" in told("ask", turned, "Where is the circle?")


def test_a_question_can_be_typed_carelessly(told: Run, draw: Run) -> None:
    assert "two" in words(told("ask", draw("a.png", "white", SHAPES[:2]), "how many shapes"))
