"""What is asked about a scene and its one right answer. Printed text stands between \\x01 and \\x02 in an answer: it is
spelled out in single characters when the answer is turned into tokens."""

from __future__ import annotations

import random

from . import chart_questions
from .colours import COLOUR_NAMES
from .phrases import a, at, first_upper, join, plural, printed
from .world import SHAPES, Scene, Shape

OUTSIDE = "I only know simple drawings."
NO_TEXT = "There is no text in this picture."

# The first wording of each is the one that vlm's tasks send.
WORDINGS = {
    "caption": [
        "Write a one-sentence caption for this picture.",
        "Caption this picture.",
        "Write a caption.",
        "Give this image a caption.",
    ],
    "short": [
        "Describe this picture in one or two sentences.",
        "Describe this picture.",
        "Describe the image briefly.",
        "What is in this picture?",
        "What is this?",
        "What do you see?",
        "Describe this image in one sentence.",
        "What is in the image?",
        "What does this picture show?",
    ],
    "detailed": ["Describe this picture in detail.", "Describe the image in detail.", "Give a detailed description."],
    "alt": [
        "Write alt text for this picture: one or two plain sentences for someone who cannot see it.",
        "Write alt text for this picture.",
        "Alt text, please.",
    ],
    "tags": ["List tags for this picture, separated by commas.", "List tags for this image.", "Tags?"],
    "ocr": [
        "Read all the text in this picture. Answer with the text alone, keeping the lines.",
        "Read the text in this picture.",
        "What is the text in this picture?",
        "Transcribe the text.",
    ],
    "say": ["What does it say?", "What does the text say?", "What is written here?", "What word is this?"],
    "compare": [
        "What is different between these two pictures?",
        "What changed?",
        "What is the difference?",
        "Compare these two pictures.",
        "What changed between the two pictures?",
    ],
    "count": [
        "How many shapes are there?",
        "How many shapes?",
        "How many shapes are in this picture?",
        "Count the shapes.",
    ],
    "count_colour": ["How many {colour} shapes are there?", "How many {colour} shapes?"],
    "count_kind": ["How many {kind}s are there?", "How many {kind}s?", "How many {kind}s are in this picture?"],
    "colour_of": [
        "What color is the {kind}?",
        "What colour is the {kind}?",
        "Which color is the {kind}?",
        "What is the color of the {kind}?",
    ],
    "background": [
        "What colour is the background?",
        "What color is the background?",
        "What is the background color?",
        "What is the background?",
    ],
    "shape_of": ["What shape is {colour}?", "Which shape is {colour}?", "What is the {colour} shape?"],
    "where": ["Where is the {kind}?", "Where is the {colour} {kind}?", "Where is the {kind} in this picture?"],
    "is_there": [
        "Is there a {kind}?",
        "Is there a {colour} {kind}?",
        "Is there a {kind} in this picture?",
        "Do you see a {kind}?",
    ],
    **chart_questions.WORDINGS,
}
DESCRIPTIONS = ("caption", "short", "detailed", "alt", "tags")


def quoted(scene: Scene) -> str:
    return f'"{printed(scene.text.spoken)}"'


def things(scene: Scene, size: bool, place: bool) -> list[str]:
    """The shapes in reading order, then the text."""
    names = [
        a((s.size + " " if size else "") + f"{s.colour} {s.kind}") + (" " + at(s.place) if place else "")
        for s in scene.shapes
    ]
    return names + ([f"the text {quoted(scene)} in {scene.text.colour}"] if scene.text else [])


def describe(scene: Scene, style: str) -> str:
    if scene.chart:
        return chart_questions.describe(scene.chart, scene.background, style)
    if style == "tags":
        tags = [f"{s.colour} {s.kind}" for s in scene.shapes] + (["text"] if scene.text else [])
        return ", ".join([*tags, f"{scene.background} background"])
    if style == "detailed":
        parts = [f"The background is {scene.background}.", plural(len(scene.shapes), "shape")]
        parts += [f"{first_upper(at(s.place))} there is {a(f'{s.size} {s.colour} {s.kind}')}." for s in scene.shapes]
        parts += [f"The text says {quoted(scene)} in {scene.text.colour}." if scene.text else "There is no text."]
        return " ".join(parts)
    found = things(scene, size=style != "caption", place=style != "caption")
    if style == "alt":
        return f"A picture with {a(scene.background)} background and {join(found) if found else 'nothing on it'}."
    return (
        first_upper(f"{join(found)} on {a(scene.background)} background.")
        if found
        else f"A plain {scene.background} background."
    )


def compare(what: str, facts: tuple) -> str:
    if what == "nothing":
        return "Nothing changed."
    if what == "background":
        return f"The background changed from {facts[0]} to {facts[1]}."
    if what == "text":
        return f'The text changed from "{printed(facts[0].spoken)}" to "{printed(facts[1].spoken)}".'
    return compare_shapes(what, facts[0], facts[-1])


def compare_shapes(what: str, old: Shape, new: Shape) -> str:
    name, place = f"{new.colour} {new.kind}", at(new.place)
    if what == "added":
        return f"{first_upper(a(name))} was added {place}."
    if what == "removed":
        return f"The {name} {place} was removed."
    if what == "moved":
        there, here = (at(s.place).removeprefix("at ").removeprefix("in ") for s in (old, new))
        return f"The {name} moved from {there} to {here}."
    if what == "resized":
        return f"The {name} {place} became {'larger' if new.size == 'large' else 'smaller'}."
    if what == "swapped":
        return f"The {old.colour} {old.kind} {place} was replaced by {a(name)}."
    return f"The {old.colour} {old.kind} {place} changed to {new.colour}."


def counted(shapes: tuple[Shape, ...], kind: str, colour: str, shape: str) -> str:
    if kind == "count_colour":
        return plural(sum(s.colour == colour for s in shapes), f"{colour} shape")
    if kind == "count_kind":
        return plural(sum(s.kind == shape for s in shapes), shape)
    return plural(len(shapes), "shape")


def about_one(scene: Scene, kind: str, blanks: dict) -> tuple[dict, str] | None:
    """Of the one shape that has a colour, or is of a kind: None where there are several."""
    colour, shape = blanks["colour"], blanks["kind"]
    meant = [s for s in scene.shapes if (s.colour == colour if kind == "shape_of" else s.kind == shape)]
    if len(meant) > 1:
        return None
    if not meant:
        return blanks, f"There is no {f'{colour} shape' if kind == 'shape_of' else shape}."
    if kind == "shape_of":
        return blanks, f"The {colour} shape is {a(meant[0].kind)}."
    if kind == "colour_of":
        return blanks, f"The {shape} is {meant[0].colour}."
    return {**blanks, "colour": meant[0].colour}, f"The {shape} is {at(meant[0].place)}."


def answer(rng: random.Random, scene: Scene, kind: str, present: float = 0.75) -> tuple[dict, str] | None:
    """Blanks for the wording and the answer, or None where this question has no single answer on this scene.
    present: the share of questions that are surely about something that is there."""
    colour, shape = rng.choice(COLOUR_NAMES), rng.choice(SHAPES)
    if scene.shapes and rng.random() < present:
        seen = rng.choice(scene.shapes)
        colour, shape = seen.colour, seen.kind
    blanks = {"colour": colour, "kind": shape}
    if kind in chart_questions.WORDINGS:
        blanks, said = chart_questions.answer(rng, scene.chart, kind)
        return blanks, OUTSIDE if scene.outside else said
    if scene.outside:
        return blanks, OUTSIDE
    if kind in DESCRIPTIONS:
        return blanks, describe(scene, kind)
    if kind == "background":
        return blanks, f"The background is {scene.background}."
    if scene.chart:
        return None
    if kind == "ocr":
        return blanks, printed(scene.text.string) if scene.text else NO_TEXT
    if kind == "say":
        return blanks, f"It says {quoted(scene)}." if scene.text else NO_TEXT
    if kind.startswith("count"):
        return blanks, counted(scene.shapes, kind, colour, shape)
    return about_one(scene, kind, blanks)
