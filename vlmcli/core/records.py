"""A result, as every writer shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from vlmcli.core.events import Confidence, StopReason, Timings
from vlmcli.core.pages import TextBlock
from vlmcli.core.pictures import Region

SCHEMA_VERSION = 1
"""Version of the JSON record, in its field `schema`. It grows when a field changes its meaning or goes."""


@dataclass(frozen=True, slots=True)
class PictureInfo:
    """What a record says of a picture. `width` and `height` in pixels, 0 where it could not be read."""

    name: str
    width: int = 0
    height: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One answered (or failed) job, as every writer and the JSON show it."""

    pictures: tuple[PictureInfo, ...]
    task: str
    question: str
    model: str
    text: str = ""
    thinking: str = ""
    """What the model said on the way to its answer, which is not part of it."""
    stop_reason: StopReason | None = None
    cut_short: bool = False
    """The answer is not whole: a limit, a loop, a timeout or Ctrl-C ended it."""
    prompt_tokens: int = 0
    image_tokens: int = 0
    answer_tokens: int = 0
    timings: Timings = field(default_factory=Timings)
    cached: bool = False
    choice: str | None = None
    """Which label it is; None: nothing was to be chosen, or none is likely enough."""
    probabilities: tuple[tuple[str, float], ...] = ()
    """Of each label; they add up to 1."""
    data: Any = None
    """What the text is as JSON, where a schema was asked for."""
    confidence: Confidence | None = None
    doubtful: tuple[tuple[int, int], ...] | None = ()
    """Where in the text the model was not sure: (first character, the one after the last). None: nobody can say."""
    blocks: tuple[TextBlock, ...] = ()
    """What was read where, of a page that was read in parts."""
    regions: tuple[Region, ...] | None = None
    """Where the pixels of two pictures differ, the largest first; None: nobody looked for it."""
    error: Exception | None = None

    @property
    def undecided(self) -> bool:
        """No label is as likely as it was asked to be."""
        return bool(self.probabilities) and self.choice is None and self.error is None

    @property
    def name(self) -> str:
        return ", ".join(p.name for p in self.pictures)
