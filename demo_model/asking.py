"""Which questions are asked, how often, and in which of their wordings."""

from __future__ import annotations

import random

from . import questions
from .colours import COLOUR_NAMES
from .world import SHAPES, Scene


def is_there(rng: random.Random, scene: Scene, wording: str) -> tuple[dict, str]:
    if scene.outside:
        return {"colour": rng.choice(COLOUR_NAMES), "kind": rng.choice(SHAPES)}, questions.OUTSIDE
    colour, kind = rng.choice(COLOUR_NAMES), rng.choice(SHAPES)
    if scene.shapes and rng.random() < 0.6:
        seen = rng.choice(scene.shapes)
        kind = seen.kind
        colour = seen.colour if rng.random() < 0.75 else colour
    found = any(s.kind == kind and (s.colour == colour or "{colour}" not in wording) for s in scene.shapes)
    return {"colour": colour, "kind": kind}, "Yes." if found else "No."


def is_there_or_not(rng: random.Random, scene: Scene, wording: str) -> tuple[dict, str]:
    """For training: yes as often as no, and no mostly about a colour and a shape that are there, but not together."""
    if scene.outside or not scene.shapes:
        return is_there(rng, scene, wording)
    seen, coloured = rng.choice(scene.shapes), "{colour}" in wording
    colour, kind = seen.colour, seen.kind
    if rng.random() < 0.6:
        other = rng.choice(scene.shapes)
        colour = rng.choice([other.colour, rng.choice(COLOUR_NAMES)])
        kind = rng.choice([seen.kind, rng.choice(SHAPES)]) if coloured else rng.choice(SHAPES)
    found = any(s.kind == kind and (s.colour == colour or not coloured) for s in scene.shapes)
    return {"colour": colour, "kind": kind}, "Yes." if found else "No."


NO_CHART_KINDS = {"highest": 0.15, "lowest": 0.15, "bar_order": 0.1, "bar_height": 0.2, "bars": 0.15}
SHAPE_KINDS = {
    "short": 3,
    "caption": 1.5,
    "detailed": 2,
    "alt": 1.5,
    "tags": 1.5,
    "ocr": 1,
    "say": 0.7,
    "count": 2,
    "count_colour": 2.5,
    "count_kind": 2.5,
    "colour_of": 4,
    "background": 1,
    "shape_of": 4,
    "where": 5,
    "is_there": 6,
    **NO_CHART_KINDS,
}
TEXT_KINDS = {
    "short": 3,
    "caption": 1,
    "detailed": 1,
    "alt": 1,
    "tags": 0.5,
    "ocr": 6,
    "say": 3,
    "count": 0.5,
    "count_kind": 0.3,
    "background": 0.8,
    "colour_of": 0.4,
    "where": 0.4,
    "is_there": 0.5,
    "shape_of": 0.3,
    "count_colour": 0.3,
    **NO_CHART_KINDS,
}
CHART_KINDS = {
    "highest": 4,
    "lowest": 4,
    "bar_order": 3,
    "bar_height": 6,
    "bars": 1.5,
    "short": 2,
    "caption": 0.7,
    "detailed": 1.5,
    "alt": 0.8,
    "tags": 0.7,
    "background": 0.7,
}


def kinds_of(scene: Scene) -> dict[str, float]:
    """The kinds of questions that a scene is asked, and how often."""
    return CHART_KINDS if scene.chart else TEXT_KINDS if scene.text else SHAPE_KINDS


def roughen(rng: random.Random, wording: str) -> str:
    """As people type: sometimes no full stop or question mark, sometimes all lower case."""
    if rng.random() < 0.12:
        wording = wording.rstrip("?.")
    return wording.lower() if rng.random() < 0.12 else wording


def pick_wording(rng: random.Random, kind: str) -> str:
    options = questions.WORDINGS[kind]
    return options[0] if rng.random() < 0.45 else rng.choice(options)


def sample_turn(rng: random.Random, scene: Scene, kind: str | None = None, plain: bool = False) -> tuple[str, str, str]:
    """(kind, question, answer) about one scene. plain: the tasks' own wording only."""
    while True:
        mix = kinds_of(scene)
        chosen = kind or rng.choices(list(mix), list(mix.values()))[0]
        wording = questions.WORDINGS[chosen][0] if plain else pick_wording(rng, chosen)
        if chosen == "is_there":
            made = (is_there if plain else is_there_or_not)(rng, scene, wording)
        else:
            made = questions.answer(rng, scene, chosen, 0.75 if plain else 0.6)
        if made is None:
            if kind:
                return "", "", ""
            continue
        question = wording.format(**made[0])
        return chosen, question if plain else roughen(rng, question), made[1]
