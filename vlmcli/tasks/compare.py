"""What differs between pictures, also for models that were trained on one picture at a time.

native     all pictures in one question
stitch     one picture of them all, side by side
describe   each picture described on its own, and then the descriptions compared
diff       the places whose pixels differ, from both pictures; for two of one size
auto       native or stitch as the family was trained; and as diff where two pictures differ in small places only

Pixels that are all the same need no model: the answer says so, unless it was asked something else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from string import ascii_uppercase

from vlmcli.core import Difference, LoadedImage, Request, Sampling
from vlmcli.errors import UsageError
from vlmcli.tasks.asking import ask_once
from vlmcli.tasks.clock import Clock
from vlmcli.tasks.describe import STYLES
from vlmcli.tasks.task import Brief, Outcome, Steps, Task
from vlmcli.tasks.thinking import split_thinking

STRATEGIES = ("auto", "native", "stitch", "describe", "diff")
MOST_PICTURES = len(ascii_uppercase)
IDENTICAL = "The pictures are identical: no pixel differs."
SMALL_SHARE = 1 / 16
"""Regions that take no more of the picture are shown large by `auto`: among all the rest they would be overlooked."""


def strategy_of(brief: Brief) -> str:
    """As asked; for `auto` and `diff` how the model is given what it sees: `native` or `stitch`."""
    if brief.options.strategy not in STRATEGIES:
        raise UsageError(f"There is no strategy {brief.options.strategy!r}.", f"One of: {', '.join(STRATEGIES)}")
    if brief.options.strategy not in ("auto", "diff"):
        return brief.options.strategy
    return "native" if brief.family.several_pictures else "stitch"


def _question(brief: Brief, n_pictures: int) -> str:
    if not 2 <= n_pictures <= MOST_PICTURES:
        raise UsageError(
            f"compare takes 2 to {MOST_PICTURES} pictures, and was given {n_pictures}.", "vlm compare ONE OTHER"
        )
    if n_pictures > 2 and (brief.options.diff or brief.options.strategy == "diff"):
        raise UsageError(f"Differing regions are found in 2 pictures, and {n_pictures} were given.", "vlm compare A B")
    many = "two" if n_pictures == 2 else str(n_pictures)
    if strategy_of(brief) == "native":
        return brief.wording("compare", brief.options.question or f"What is different between these {many} pictures?")
    labels = ", ".join(ascii_uppercase[: n_pictures - 1]) + f" and {ascii_uppercase[n_pictures - 1]}"
    asked = brief.options.question or "What is different between them?"
    if strategy_of(brief) == "describe":
        return brief.wording("compare.describe", f"These are descriptions of {many} pictures, {labels}. {asked}")
    explanation = f"This picture shows {many} pictures side by side, labelled {labels}."
    return brief.wording("compare.stitch", f"{explanation} {asked}")


def _steps(brief: Brief, pictures: Sequence[LoadedImage]) -> Steps:
    question = _question(brief, len(pictures))
    found = _difference(brief, pictures)
    regions = found.regions if found else None
    if found and brief.options.diff and brief.draw:
        brief.draw(pictures[1], found.regions, brief.options.diff)
    own_words = brief.options.question or brief.options.prompt
    if found and found.identical and not own_words:
        return Outcome(IDENTICAL, "end", regions=())
    if strategy_of(brief) == "describe":
        outcome = yield from _describe_each(brief, pictures, question)
        return replace(outcome, regions=regions)
    if found and found.crops and (brief.options.strategy == "diff" or _is_small(brief, found)):
        pictures = _places(brief, found)
    if strategy_of(brief) == "stitch":
        pictures = [brief.stitch(pictures, ascii_uppercase[: len(pictures)])]
    outcome = yield from ask_once(brief, pictures, question, Sampling())
    return replace(outcome, regions=regions)


def _is_small(brief: Brief, found: Difference) -> bool:
    return brief.options.strategy == "auto" and found.share <= SMALL_SHARE


def _difference(brief: Brief, pictures: Sequence[LoadedImage]) -> Difference | None:
    """Where two pictures differ; None where they are more, or of two sizes.

    Raises UsageError for two sizes when the user asked for the regions.
    """
    if brief.differing is None or len(pictures) != 2:
        return None
    first, second = pictures
    if (first.width, first.height) == (second.width, second.height):
        return brief.differing(first, second)
    if brief.options.diff or brief.options.strategy == "diff":
        raise UsageError(
            f"{first.name} is {first.width}x{first.height} and {second.name} {second.width}x{second.height}: "
            "regions that differ are found in pictures of one size.",
            f"vlm compare {first.name} {second.name}",
        )
    return None


def _places(brief: Brief, found: Difference) -> list[LoadedImage]:
    """The places that differ as they are in the one picture, and as they are in the other."""
    if len(found.crops) == 1:
        return list(found.crops[0])
    numbers = [str(number + 1) for number in range(len(found.crops))]
    return [brief.stitch(side, numbers) for side in zip(*found.crops, strict=True)]


def _describe_each(brief: Brief, pictures: Sequence[LoadedImage], question: str) -> Steps:
    """A request for each picture, then one about the words alone."""
    asked = brief.family.wordings.get("describe.detailed", STYLES["detailed"])
    clock = Clock(brief.options.timeout_s)
    descriptions: list[str] = []
    for label, picture in zip(ascii_uppercase, pictures, strict=False):
        request = _with_room(brief.request([picture], asked, Sampling(), greedy=True))
        answer = yield replace(request, says="thinking", think=False, timeout_s=clock.left_s())
        words = split_thinking(answer.text, answer.stop_reason)[1]
        descriptions.append(f"Picture {label}: {words}")
        if answer.stop_reason in ("timeout", "interrupted"):
            return Outcome("", answer.stop_reason, thinking="\n\n".join(descriptions))
    said = "\n\n".join(descriptions)
    outcome = yield from ask_once(brief, [], f"{said}\n\n{question}", Sampling(), clock=clock)
    return replace(outcome, thinking="\n\n".join(filter(None, (said, outcome.thinking))))


def _with_room(request: Request) -> Request:
    """A limit of the user's is the answer's: a description that it cuts off would be compared as if it were whole."""
    most = max(request.sampling.max_tokens, Sampling().max_tokens)
    return replace(request, sampling=replace(request.sampling, max_tokens=most))


COMPARE = Task("compare", _question, _steps)
