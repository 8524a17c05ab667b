"""What is asked about a scene and its one right answer. Printed text stands between \\x01 and \\x02 in an answer: it is
spelled out in single characters when the answer is turned into tokens."""

from __future__ import annotations

import random

from .world import COLOUR_NAMES, PLACES, SHAPES, Scene, Shape

OUTSIDE = "I only know simple drawings."
NO_TEXT = "There is no text in this picture."
NUMBERS = ["no", "one", "two", "three", "four", "five", "six"]

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
}


def a(words: str) -> str:
    return ("an " if words[0] in "aeiou" else "a ") + words


def at(place: int) -> str:
    return "in the center" if PLACES[place] == "center" else f"at the {PLACES[place]}"


def join(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def first_upper(text: str) -> str:
    return text[0].upper() + text[1:]


def plural(n: int, noun: str) -> str:
    return f"There is one {noun}." if n == 1 else f"There are {NUMBERS[n]} {noun}s."


def quoted(scene: Scene) -> str:
    return f'"\x01{scene.text.string}\x02"'


def things(scene: Scene, size: bool, place: bool) -> list[str]:
    """The shapes in reading order, then the text."""
    names = [
        a((s.size + " " if size else "") + f"{s.colour} {s.kind}") + (" " + at(s.place) if place else "")
        for s in scene.shapes
    ]
    return names + ([f"the text {quoted(scene)} in {scene.text.colour}"] if scene.text else [])


def describe(scene: Scene, style: str) -> str:
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
    def name(s: Shape) -> str:
        return f"{s.colour} {s.kind}"

    if what == "nothing":
        return "Nothing changed."
    if what == "background":
        return f"The background changed from {facts[0]} to {facts[1]}."
    old, new = facts[0], facts[-1]
    if what == "added":
        return f"{first_upper(a(name(new)))} was added {at(new.place)}."
    if what == "removed":
        return f"The {name(old)} {at(old.place)} was removed."
    if what == "moved":
        return (
            f"The {name(old)} moved from {at(old.place)} to {at(new.place)}.".replace("from at", "from")
            .replace("to at", "to")
            .replace("from in", "from")
            .replace("to in", "to")
        )
    return f"The {name(old)} {at(old.place)} changed to {new.colour}."


def answer(rng: random.Random, scene: Scene, kind: str, present: float = 0.75) -> tuple[dict, str] | None:
    """Blanks for the wording and the answer, or None where this question has no single answer on this scene.
    present: the share of questions that are surely about something that is there."""
    shapes = scene.shapes
    colour, shape = rng.choice(COLOUR_NAMES), rng.choice(SHAPES)
    if shapes and rng.random() < present:
        seen = rng.choice(shapes)
        colour, shape = seen.colour, seen.kind
    blanks = {"colour": colour, "kind": shape}
    of_kind = [s for s in shapes if s.kind == shape]
    of_colour = [s for s in shapes if s.colour == colour]
    if scene.outside:
        return blanks, OUTSIDE
    if kind in ("caption", "short", "detailed", "alt", "tags"):
        return blanks, describe(scene, kind)
    if kind == "ocr":
        return blanks, f"\x01{scene.text.string}\x02" if scene.text else NO_TEXT
    if kind == "say":
        return blanks, f"It says {quoted(scene)}." if scene.text else NO_TEXT
    if kind == "count":
        return blanks, plural(len(shapes), "shape")
    if kind == "count_colour":
        return blanks, plural(len(of_colour), f"{colour} shape")
    if kind == "count_kind":
        return blanks, plural(len(of_kind), shape)
    if kind == "background":
        return blanks, f"The background is {scene.background}."
    if kind == "shape_of":
        if len(of_colour) > 1:
            return None
        return blanks, f"The {colour} shape is {a(of_colour[0].kind)}." if of_colour else f"There is no {colour} shape."
    if len(of_kind) > 1:
        return None
    if kind == "colour_of":
        return blanks, f"The {shape} is {of_kind[0].colour}." if of_kind else f"There is no {shape}."
    if kind == "where":
        if of_kind:
            blanks["colour"] = of_kind[0].colour
            return blanks, f"The {shape} is {at(of_kind[0].place)}."
        return blanks, f"There is no {shape}."
    raise KeyError(kind)
