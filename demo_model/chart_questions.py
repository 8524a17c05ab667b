"""What is asked about a bar chart, and its one right answer."""

from __future__ import annotations

import random
import string

from .charts import Bar, Chart
from .phrases import NUMBERS, join, plural, printed

NO_CHART = "There is no chart in this picture."

# The first wording of each is the plain one.
WORDINGS = {
    "highest": [
        "Which bar is the highest?",
        "Which bar is highest?",
        "What is the highest bar?",
        "Which is the tallest bar?",
        "Which bar has the highest value?",
    ],
    "lowest": [
        "Which bar is the lowest?",
        "Which bar is lowest?",
        "What is the lowest bar?",
        "Which is the shortest bar?",
        "Which bar has the lowest value?",
    ],
    "bar_order": [
        "Order the bars from highest to lowest.",
        "List the bars from highest to lowest.",
    ],
    "bar_height": [
        "How high is the bar {label}?",
        "How high is {label}?",
        "What is the value of {label}?",
        "What is the value of the bar {label}?",
    ],
    "bars": [
        "How many bars are there?",
        "How many bars?",
        "How many bars are in this chart?",
        "Count the bars.",
    ],
}


def named(bar: Bar) -> str:
    return printed(bar.label)


def describe(chart: Chart, background: str, style: str) -> str:
    count = f"{NUMBERS[len(chart.bars)]} bars"
    if style == "tags":
        return f"bar chart, {count}, {background} background"
    if style == "caption":
        return f"A bar chart with {count}."
    said = f"A bar chart with {count}: {join([named(b) for b in chart.bars])}."
    said += f" The highest is {named(chart.falling[0])} and the lowest is {named(chart.falling[-1])}."
    if style == "detailed":
        heights = join([f"{named(b)} is about {chart.value(b)}" for b in chart.bars])
        said += f" {heights}."
    return said


def answer(rng: random.Random, chart: Chart | None, kind: str) -> tuple[dict, str]:
    """Blanks for the wording, and the answer."""
    if not chart:
        return {"label": rng.choice(string.ascii_uppercase)}, NO_CHART
    bar, falling = rng.choice(chart.bars), chart.falling
    said = {
        "highest": f"The highest bar is {named(falling[0])}.",
        "lowest": f"The lowest bar is {named(falling[-1])}.",
        "bar_order": ", ".join(named(b) for b in falling) + ".",
        "bar_height": f"The bar {named(bar)} is about {chart.value(bar)}.",
        "bars": plural(len(chart.bars), "bar"),
    }
    return {"label": bar.label}, said[kind]
