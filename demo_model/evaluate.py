"""The accuracy of the packaged pair, through vlm itself, on pictures of the second renderer, by kind of question."""

from __future__ import annotations

import random
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image

from . import asking, questions
from .changes import sample_change
from .draw_other import draw
from .world import Scene, sample_scene

Ask = Callable[[list[Path], str], str]
ABSENT = ("There is no ", "There are no ", "No.")


def through_vlm() -> Ask:
    from vlmcli import Vlm

    vlm = Vlm("demo")
    return lambda paths, question: vlm.ask(paths, question, max_tokens=120, temperature=0.0).text


def through_llama(folder: Path) -> Ask:
    from .reference import Reference

    reference = Reference(folder)
    return lambda paths, question: reference.ask([Image.open(p).convert("RGB") for p in paths], question)


KINDS = [
    *("background", "colour_of", "shape_of", "is_there", "where", "count", "count_colour", "count_kind"),
    *("short", "caption", "detailed", "alt", "tags", *["ocr"] * 6, "say", "no text", "no chart", "outside"),
    *("highest", "lowest", "bar_order", "bar_height", "bars", "chart"),
    *["compare"] * 5,
]
CHART_ROWS = {
    "highest": "chart: highest",
    "lowest": "chart: lowest",
    "bar_order": "chart: order",
    "bar_height": "chart: height",
    "bars": "chart: number of bars",
    "chart": "chart: described",
}
OUTSIDE_KINDS = ["short", "caption", "detailed", "count", "where"]


def cases(count: int, seed: int) -> Iterator[tuple[str, list[Image.Image], str, str]]:
    """(row of the table, pictures, question, right answer); one question a picture or a pair."""
    rng = random.Random(seed)
    for n in range(count):
        kind = KINDS[n % len(KINDS)]
        yield compare_case(rng) if kind == "compare" else single_case(rng, kind)


def bare(answer: str) -> str:
    """Without the marks around printed text."""
    return answer.replace("\x01", "").replace("\x02", "")


def compare_case(rng: random.Random) -> tuple[str, list[Image.Image], str, str]:
    a, b, what, facts = sample_change(rng)
    right = bare(questions.compare(what, facts))
    return f"compare: {what}", [draw(a), draw(b)], questions.WORDINGS["compare"][0], right


def asked_of(rng: random.Random, kind: str) -> tuple[str, str]:
    """The question and the kind of scene for a row of the table."""
    if kind in CHART_ROWS:
        return rng.choice(questions.DESCRIPTIONS) if kind == "chart" else kind, "chart"
    others = {
        "no text": ("ocr", "shapes"),
        "no chart": (rng.choice(list(asking.NO_CHART_KINDS)), rng.choice(["shapes", "text"])),
        "outside": (rng.choice(OUTSIDE_KINDS), "outside"),
    }
    return others.get(kind, (kind, "text" if kind in ("ocr", "say") else "shapes"))


def single_case(rng: random.Random, kind: str) -> tuple[str, list[Image.Image], str, str]:
    (asked, world), question, right = asked_of(rng, kind), "", ""
    while not question:
        scene = sample_scene(rng, world)
        _, question, right = asking.sample_turn(rng, scene, asked, plain=True)
    right = bare(right)
    return row_of(kind, scene, right), [draw(scene)], question, right


def row_of(kind: str, scene: Scene, right: str) -> str:
    if kind in CHART_ROWS:
        return CHART_ROWS[kind]
    if kind == "ocr":
        n = len(right)
        size = "1-4 characters" if n < 5 else "5-8 characters" if n < 9 else "9-16 characters"
        return "text of several lines" if len(scene.text.lines) > 1 else f"text of {size}"
    if right.startswith(ABSENT) and kind != "no text":
        return "absent"
    return "count" if kind.startswith("count") else kind


def distance(a: str, b: str) -> int:
    """Edits between two strings."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (x != y))
    return row[-1]


def evaluate(ask: Ask, count: int = 2200, seed: int = 2026, show: int = 0) -> dict[str, tuple[int, int]]:
    right, total, edits, letters = defaultdict(int), defaultdict(int), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for n, (row, pictures, question, wanted) in enumerate(cases(count, seed)):
            paths = [Path(folder) / f"{n}-{i}.png" for i in range(len(pictures))]
            for path, picture in zip(paths, pictures, strict=False):
                picture.save(path)
            said = ask(paths, question).strip()
            total[row] += 1
            right[row] += said == wanted
            if row.startswith("text of"):
                edits, letters = edits + distance(said, wanted), letters + len(wanted)
            if said != wanted and show > 0:
                show -= 1
                print(f"{row}: {question}\n  said   {said}\n  wanted {wanted}")
            for path in paths:
                path.unlink()
    print("| question | exact | of |\n|---|---|---|")
    for row in sorted(total):
        print(f"| {row} | {100 * right[row] / total[row]:.1f}% | {total[row]} |")
    print(f"| all | {100 * sum(right.values()) / sum(total.values()):.1f}% | {sum(total.values())} |")
    print(f"\nCharacter error rate of `ocr`: {100 * edits / max(1, letters):.1f}%; seed {seed}.")
    return {row: (right[row], total[row]) for row in total}
