"""Markdown as models write it: parsed so that no sign of an answer is lost, and split while it is still growing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from typing import ClassVar

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderResult
from rich.markdown import (
    CodeBlock,
    Heading,
    Markdown,
    MarkdownContext,
    MarkdownElement,
    Paragraph,
    TableDataElement,
    TextElement,
)
from rich.syntax import Syntax

from vlmcli.output.wrapping import WrappedText

# The last line while it may still become anything: `-` a list or a rule, `#` a heading, `12` a numbered item.
_BEGINNING = re.compile(r"(?:^|\n)[ \t]*(?:[-+*#>|`=~_]+|\d{1,3}[.)]?)?[ \t]*\Z")


@cache
def parser() -> MarkdownIt:
    """CommonMark with tables, less what would swallow words (`<STOP>` is no tag, `[a]: b` no definition here) or
    spell a control character (`&#x202e;`)."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])
    return markdown.disable(["entity", "reference", "lheading"])


def split_finished(text: str) -> tuple[str, str]:
    """The blocks that can change no more, and the text from the block in progress on.

    Only whole lines decide: half a line may look like another block than it will be.
    """
    end = text.rfind("\n") + 1
    *finished, last = split_blocks(text[:end])
    return "\n".join(finished), last + text[end:]


def split_blocks(text: str) -> list[str]:
    """The paragraphs, lists, tables, … of a text, whole lines each; joined by newlines they are the text again."""
    tokens = parser().parse(text)
    starts = [token.map[0] for token in tokens if token.level == 0 and token.map]
    lines = text.split("\n")
    return ["\n".join(lines[a:b]) for a, b in pairwise([0, *starts[1:], len(lines)])]


def drop_beginnings(text: str) -> str:
    """`text` as it should be shown while it grows: no half-written marks, open emphasis closed."""
    text = _BEGINNING.sub("", text, count=1).rstrip()
    last = text.rpartition("\n\n")[2]
    if "```" in text or "~~~" in text:
        return text
    if last.count("`") % 2:
        return text[:-1].rstrip() if text.endswith("`") else text + "`"
    text = text.rstrip("*").rstrip()
    return text + "**" if text.rpartition("\n\n")[2].count("**") % 2 else text


class _Wrapped(TextElement):
    def on_enter(self, context: MarkdownContext) -> None:
        super().on_enter(context)
        self.text = WrappedText()


class _Paragraph(_Wrapped, Paragraph):
    pass


class _Cell(TableDataElement):
    def __init__(self, justify: JustifyMethod) -> None:
        super().__init__(justify)
        self.content = WrappedText(justify=justify)


class _LeftHeading(_Wrapped, Heading):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self.text


class _Code(CodeBlock):
    """Code in the terminal's own colours, on its own background, indented."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        code = str(self.text).rstrip()
        yield Syntax(code, self.lexer_name, theme="ansi_dark", word_wrap=True, padding=(0, 2))


class AnswerMarkdown(Markdown):
    """Each newline of the model is a newline; links show where they lead; headings stand left."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "paragraph_open": _Paragraph,
        "heading_open": _LeftHeading,
        "td_open": _Cell,
        "fence": _Code,
        "code_block": _Code,
    }

    def __init__(self, text: str) -> None:
        super().__init__("", hyperlinks=False)
        self.parsed = parser().parse(text)
        for token in _inside(self.parsed):
            if token.type == "softbreak":
                token.type = "hardbreak"


def _inside(tokens: Iterable[Token]) -> Iterable[Token]:
    for token in tokens:
        yield from token.children or ()
