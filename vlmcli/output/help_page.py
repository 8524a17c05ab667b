"""The help of a command. What is to be typed is never cut: where it leaves no room beside it, its text stands below."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.console import Console, Group
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

_WIDEST_NAMES = 30
_NARROWEST_TEXT = 30
_GAP = 2
_INDENT = 4
"""Of a text that stands below its names, where no column of its own would be wide enough."""
_FRAME = 4
_NAMES = "bold cyan"
_OPTION = r"(?<![\w-])(?:-\w(?!\w)|--[\w-]+)"


@dataclass(frozen=True, slots=True)
class Entry:
    """What can be typed, and what it does: `words` in rich's markup, `facts` (its default and the like) plain."""

    names: str
    words: str
    facts: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Entries under a title."""

    title: str
    entries: tuple[Entry, ...]


def print_help(usage: str, about: str, sections: Iterable[Section], epilog: str) -> None:
    """On stdout, as wide as the terminal. `about` and `epilog` are in rich's markup."""
    console = Console(highlight=False)
    shown = Text(usage, "bold")
    shown.highlight_regex("^Usage:", "yellow")
    console.print(Padding(shown, 1))
    if about:
        first, *others = about.split("\n\n")
        console.print(Padding(Group(_words(first), *_paragraphs(others, "dim")), (0, 1, 1, 1)))
    for section in sections:
        lines = list(_lines(section.entries, console, console.width - _FRAME))
        console.print(Panel(Group(*lines), title=section.title, title_align="left", border_style="dim"))
    if epilog:
        console.print(Padding(_words(epilog), 1))


def _paragraphs(paragraphs: Iterable[str], style: str) -> Iterator[Text]:
    for paragraph in paragraphs:
        yield Text()
        yield _words(paragraph, style)


def _words(markup: str, style: str = "") -> Text:
    words = Text.from_markup(markup.strip(), style=style, overflow="fold")
    words.highlight_regex(_OPTION, _NAMES)
    return words


def _lines(entries: tuple[Entry, ...], console: Console, room: int) -> Iterator[Text]:
    column = _column(entries, room)
    indent = column or _INDENT
    for entry in entries:
        names = Text(entry.names, _NAMES).wrap(console, room, overflow="fold")
        text = _text(entry).wrap(console, max(room - indent, 1), overflow="fold")
        if len(entry.names) + _GAP <= column:
            first = text.pop(0) if text else Text()
            yield Text.assemble(names[0], " " * (column - len(entry.names)), first)
        else:
            yield from names
        yield from (Text.assemble(" " * indent, line) for line in text)


def _column(entries: tuple[Entry, ...], room: int) -> int:
    """Where texts begin beside all names but unusually long ones; 0 where that would leave them too little room."""
    usual = [len(entry.names) for entry in entries if len(entry.names) <= _WIDEST_NAMES]
    column = max(usual, default=0) + _GAP
    return column if room - column >= _NARROWEST_TEXT else 0


def _text(entry: Entry) -> Text:
    parts = [_words(entry.words)] if entry.words else []
    parts += [Text(entry.facts, "dim")] if entry.facts else []
    return Text(" ").join(parts)
