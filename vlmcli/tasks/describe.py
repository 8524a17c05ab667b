"""What is in the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vlmcli.core import LoadedImage, Sampling
from vlmcli.errors import UsageError
from vlmcli.tasks.asking import ask_once
from vlmcli.tasks.task import Brief, Steps, Task

STYLES: Mapping[str, str] = {
    "short": "Describe this picture in one or two sentences.",
    "caption": "Write a one-sentence caption for this picture.",
    "detailed": "Describe this picture in detail.",
    "alt": "Write alt text for this picture: one or two plain sentences for someone who cannot see it.",
    "tags": "List tags for this picture, separated by commas.",
}
DEFAULT_STYLE = "short"


def _question(brief: Brief, _n_pictures: int) -> str:
    style = brief.options.style or DEFAULT_STYLE
    if style not in STYLES:
        raise UsageError(f"There is no style {style!r}.", f"One of: {', '.join(STYLES)}")
    return brief.wording(f"describe.{style}", STYLES[style])


def _steps(brief: Brief, pictures: Sequence[LoadedImage]) -> Steps:
    return ask_once(brief, pictures, _question(brief, len(pictures)), Sampling(), greedy=True)


DESCRIBE = Task("describe", _question, _steps)
