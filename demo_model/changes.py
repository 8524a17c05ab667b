"""Two pictures of which one thing differs."""

from __future__ import annotations

import random
from dataclasses import replace

from .colours import COLOUR_NAMES
from .texts import other_short
from .world import SHAPES, SIZES, SLACK, Scene, Shape, sample_radius, sample_scene, sample_shape

CHANGES = ("added", "removed", "moved", "recoloured", "resized", "swapped", "background", "text", "nothing")
OPPOSITE = {"added": "removed", "removed": "added"}
Facts = tuple  # the old and the new one of what differs; of a shape added or removed, that alone


def ordered(shapes: list[Shape]) -> tuple[Shape, ...]:
    return tuple(sorted(shapes, key=lambda s: s.place))


def free_place(rng: random.Random, scene: Scene) -> int:
    return rng.choice([p for p in range(9) if p not in {s.place for s in scene.shapes}])


def resize(rng: random.Random, old: Shape) -> Shape:
    """Large where it was small and small where it was large, and never out of its ninth."""
    size = next(s for s in SIZES if s != old.size)
    slack = SLACK[size]
    dx, dy = (max(-slack, min(slack, d)) for d in (old.dx, old.dy))
    return replace(old, size=size, radius=sample_radius(rng, size), dx=dx, dy=dy)


def change_shape(rng: random.Random, scene: Scene, old: Shape, what: str) -> Shape:
    if what == "moved":
        return replace(old, place=free_place(rng, scene))
    if what == "resized":
        return resize(rng, old)
    if what == "swapped":
        return replace(old, kind=rng.choice([k for k in SHAPES if k != old.kind]))
    return replace(old, colour=rng.choice([c for c in COLOUR_NAMES if c not in (scene.background, old.colour)]))


def change_shapes(rng: random.Random, what: str) -> tuple[Scene, Scene, Facts] | None:
    """One shape added, removed or changed; None where there is none, or no room."""
    a = sample_scene(rng, "shapes")
    if what == "added":
        new = sample_shape(rng, free_place(rng, a), a.background)
        return (a, replace(a, shapes=ordered([*a.shapes, new])), (new,)) if len(a.shapes) < 5 else None
    if not a.shapes:
        return None
    old = rng.choice(a.shapes)
    others = [s for s in a.shapes if s is not old]
    if what == "removed":
        return a, replace(a, shapes=tuple(others)), (old,)
    new = change_shape(rng, a, old, what)
    return a, replace(a, shapes=ordered([*others, new])), (old, new)


def change_background(rng: random.Random) -> tuple[Scene, Scene, Facts]:
    a = sample_scene(rng, "shapes")
    taken = {a.background, *(s.colour for s in a.shapes)}
    colour = rng.choice([c for c in COLOUR_NAMES if c not in taken])
    return a, replace(a, background=colour), (a.background, colour)


def change_text(rng: random.Random) -> tuple[Scene, Scene, Facts]:
    a = sample_scene(rng, "word")
    new = replace(a.text, string=other_short(rng, a.text.string))
    return a, replace(a, text=new), (a.text, new)


def change_nothing(rng: random.Random) -> tuple[Scene, Scene, Facts]:
    a = sample_scene(rng, rng.choices(["shapes", "word", "text", "both", "chart"], [60, 20, 8, 6, 6])[0])
    return a, a, ()


def sample_change(rng: random.Random, changes: tuple[str, ...] = CHANGES) -> tuple[Scene, Scene, str, Facts]:
    """Two scenes, what changed from the first to the second, and the facts of it."""
    what = rng.choice(changes)
    others = {"background": change_background, "text": change_text, "nothing": change_nothing}
    while True:
        found = others[what](rng) if what in others else change_shapes(rng, what)
        if found:
            a, b, facts = found
            return a, b, what, facts
