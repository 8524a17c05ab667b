"""What differs between pictures, also for models that were trained on one picture at a time."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase

from vlmcli.core import LoadedImage, Sampling
from vlmcli.errors import UsageError
from vlmcli.tasks.task import Brief, Steps, Task, ask_once

STRATEGIES = ("auto", "native", "stitch")
MOST_PICTURES = len(ascii_uppercase)


def strategy_of(brief: Brief) -> str:
    """`native` gives the model all pictures; `stitch` one picture of them all, side by side."""
    if brief.options.strategy not in STRATEGIES:
        raise UsageError(f"There is no strategy {brief.options.strategy!r}.", f"One of: {', '.join(STRATEGIES)}")
    if brief.options.strategy != "auto":
        return brief.options.strategy
    return "native" if brief.family.several_pictures else "stitch"


def _question(brief: Brief, n_pictures: int) -> str:
    if not 2 <= n_pictures <= MOST_PICTURES:
        raise UsageError(
            f"compare takes 2 to {MOST_PICTURES} pictures, and was given {n_pictures}.", "vlm compare ONE OTHER"
        )
    many = "two" if n_pictures == 2 else str(n_pictures)
    if strategy_of(brief) == "native":
        return brief.wording("compare", brief.options.question or f"What is different between these {many} pictures?")
    labels = ", ".join(ascii_uppercase[: n_pictures - 1]) + f" and {ascii_uppercase[n_pictures - 1]}"
    explanation = f"This picture shows {many} pictures side by side, labelled {labels}."
    asked = brief.options.question or "What is different between them?"
    return brief.wording("compare.stitch", f"{explanation} {asked}")


def _steps(brief: Brief, pictures: Sequence[LoadedImage]) -> Steps:
    question = _question(brief, len(pictures))
    if strategy_of(brief) == "stitch":
        pictures = [brief.stitch(pictures, ascii_uppercase[: len(pictures)])]
    return ask_once(brief, pictures, question, Sampling())


COMPARE = Task("compare", _question, _steps)
