"""The cache changes no answer: each picture is asked about without it, with an empty one, and with what it kept."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vlmcli import Vlm
from vlmcli.cache import Store, find_limits

QUESTIONS = (
    "How many shapes are there?",
    "What is the background?",
    "Where is the red circle?",
    "Is there a triangle?",
    "Describe this picture in detail.",
)
PLACES = ("top left", "top right", "center", "bottom left", "bottom right")
PICTURES_OF_ONE_PROCESS = 12
"""A run keeps read-in pictures of its first sixteen only."""


def pictures(draw: Callable[..., Path], count: int) -> Iterator[Path]:
    chance = random.Random(7)
    for number in range(count):
        backgrounds = ("white", "blue", "green", "yellow", "black")
        shapes = [
            f"{chance.choice(('red', 'cyan', 'purple'))} {chance.choice(('circle', 'square', 'triangle'))} {place}"
            for place in chance.sample(PLACES, chance.randint(0, 3))
        ]
        side = chance.randint(96, 500)
        yield draw(f"{number}.png", backgrounds[number % 5], shapes, "" if number % 3 else f"N{number}", side)


def answers(paths: list[Path], cache: bool) -> list[str]:
    """In processes' worth of pictures, each with a model of its own, so that nothing is held in memory between them."""
    said: list[str] = []
    for start in range(0, len(paths), PICTURES_OF_ONE_PROCESS):
        with Vlm("demo", cache=cache, threads=1) as vlm:
            for path in paths[start : start + PICTURES_OF_ONE_PROCESS]:
                said += [vlm.ask(path, question).text for question in QUESTIONS]
    return said


def hits(store: Store, kind: str) -> int:
    return sum(usage.hits for usage in store.usage() if usage.kind == kind)


@pytest.mark.parametrize("count", [4, pytest.param(100, marks=pytest.mark.slow)])
def test_answers_are_the_same_with_and_without_the_cache(
    draw: Callable[..., Path], cache_dir: Path, count: int
) -> None:
    """100 pictures and 5 questions are the 500 pairs."""
    paths = list(pictures(draw, count))
    store = Store(cache_dir, find_limits())
    without = answers(paths, cache=False)
    assert answers(paths, cache=True) == without, "the first time, while it is filled"
    store.clear("answers")
    assert answers(paths, cache=True) == without, "from the read-in pictures"
    assert hits(store, "kv") >= count
    store.clear("answers")
    store.clear("kv")
    assert answers(paths, cache=True) == without, "from the rows alone"
    assert hits(store, "rows") >= count
    assert answers(paths, cache=True) == without, "recalled"
    assert hits(store, "answers") >= len(without)
