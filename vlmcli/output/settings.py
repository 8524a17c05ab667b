"""What a person asked for on the command line about output, as one frozen value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """How answers are to be shown or written, and where to."""

    format: str | None = None
    """A key of `WRITERS`; None: by the extension of `path`, else text."""
    template: str | None = None
    """A line of the user's own for each answer, instead of a format."""
    path: str | Path | None = None
    """Where `-o` points; None and "-" are stdout."""
    jobs: int | None = 1
    """How many answers will come; None: not known yet. All but 1 have headings (text) or make an array (json)."""
    heading: Callable[[int], str] | None = None
    """Job number -> the words of its heading in text (`a.png`, or `a.png: How many?`), known before its answer is.
    Without it the heading is the record's picture, and answers of several jobs are shown when they are whole."""
    markdown: bool = True
    """On a terminal, show the answer as Markdown. False (ocr, --no-markdown): as it is, line by line."""
    stream: bool = True
    all_or_none: bool = False
    """A file appears with all answers in it, whatever ends the writing: they can be had again."""
    quiet: bool = False
    """Nothing on stderr but errors."""
    stats: bool = False
    """A line of timings for each answer on stderr."""
    probs: bool = False
    """In text, all choices with their probabilities, and not the chosen one alone."""
    columns: tuple[str, ...] = ()
    """Fields that have columns of their own in a table, beside those that all records have."""
    explain: bool = False
    """In text on a terminal, underline the words of which the model was not sure."""
    thinking: bool = False
    """On a terminal, show what the model says on the way to its answer, too."""
    thumbnail: Callable[[str], bytes | None] | None = None
    """A picture's name -> a small JPEG, PNG or WebP file of it, None where there is none. For html."""

    @property
    def several(self) -> bool:
        return self.jobs != 1
