"""True answers: the model in the box looks at drawings of its own small world, through the command line.

Asked is what this version of it knows (the table is in demo_model/README.md): one that knows more brings more here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont

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


@pytest.mark.parametrize("shape", ["triangle", "blue circle", "red square"])
def test_it_says_no_to_what_is_not_there(told: Run, draw: Run, shape: str) -> None:
    picture = draw("a.png", "white", ["red circle center", "blue square top left"])
    assert words(told("ask", picture, f"Is there a {shape}?"))[0] in ("no", "there")


@pytest.mark.parametrize("text", ["EXIT", "OPEN", "Hello", "10:30", "$9.99", "HAPPY DAY", "14 March 2026"])
def test_it_reads_print(told: Run, draw: Run, text: str) -> None:
    assert told("ocr", draw("a.png", "white", text=text)) == text.lower()


def test_it_reads_several_lines(told: Run, tmp_path: Path) -> None:
    picture = Image.new("RGB", (480, 360), "white")
    font = ImageFont.load_default(size=80)
    ImageDraw.Draw(picture).multiline_text((40, 60), "SALE\n50% OFF\nTODAY", font=font, fill="black", spacing=20)
    picture.save(tmp_path / "lines.png")
    assert told("ocr", tmp_path / "lines.png") == "sale\n50% off\ntoday"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            ["red circle top left"],
            ["red circle top left", "blue square center"],
            "a blue square was added in the center.",
        ),
        (
            ["red circle top left", "blue square center"],
            ["red circle top left"],
            "the blue square in the center was removed.",
        ),
        (
            ["red circle top left"],
            ["red circle bottom right"],
            "the red circle moved from the top left to the bottom right.",
        ),
        (["red circle top left"], ["green circle top left"], "the red circle at the top left changed to green."),
        (
            ["red circle top left"],
            ["red triangle top left"],
            "the red circle at the top left was replaced by a red triangle.",
        ),
    ],
)
def test_it_finds_what_changed(told: Run, draw: Run, before: list[str], after: list[str], said: str) -> None:
    assert told("compare", draw("a.png", "yellow", before), draw("b.png", "yellow", after)) == said


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """Three bars on an axis up to 100: A 30, B 90, C 60."""
    picture = Image.new("RGB", (480, 400), "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(size=36)
    for tick in (0, 50, 100):
        y = 330 - 2.8 * tick
        pen.line((90, y, 460, y), fill="gray")
        pen.text((80, y), str(tick), font=font, fill="black", anchor="rm")
    for n, (label, value) in enumerate(zip("ABC", (30, 90, 60), strict=True)):
        left = 120 + 115 * n
        pen.rectangle((left, 330 - 2.8 * value, left + 75, 330), fill="blue")
        pen.text((left + 37, 365), label, font=font, fill="black", anchor="mm")
    picture.save(tmp_path / "chart.png")
    return tmp_path / "chart.png"


def test_it_reads_a_chart(told: Run, chart: Path) -> None:
    assert told("ask", chart, "Which bar is the highest?") == "the highest bar is b."
    assert told("ask", chart, "Which bar is the lowest?") == "the lowest bar is a."
    assert told("ask", chart, "How many bars are there?") == "there are three bars."
    assert told("ask", chart, "Order the bars from highest to lowest.") == "b, c, a."
    assert [told("ask", chart, f"How high is the bar {bar}?").split()[-1] for bar in "ABC"] == ["30.", "90.", "60."]
    assert told("describe", chart).endswith("the highest is b and the lowest is a.")


def test_it_does_not_invent_in_a_picture_of_another_world(told: Run, tmp_path: Path) -> None:
    Image.effect_noise((320, 240), 90).convert("RGB").save(tmp_path / "noise.png")
    assert told("describe", tmp_path / "noise.png") == "i only know simple drawings."
