"""From turns to token ids: the model's own template, and words that can never become control tokens.

The template is rendered with a stand-in for every picture and every piece of foreign text, so that afterwards each
character is known to be the template's or somebody else's. Each run between two pictures is tokenized as one string,
as the reference does (a SentencePiece vocabulary puts a space before every separately tokenized piece). Only where
foreign text holds the spelling of a control token is the run cut, and then at the template's own control tokens.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from vlmcli.core import LoadedImage, Picture, Request, Text, Turn
from vlmcli.engine.llama.decoder import Vocabulary
from vlmcli.engine.llama.template import ChatTemplate
from vlmcli.errors import PictureLost

# Noncharacters (Unicode 23.7: for internal use) around a number stand for the n-th foreign thing.
_OPEN, _CLOSE = "\ufdd0", "\ufdd1"
_STAND_IN = re.compile(f"{_OPEN}(\\d+){_CLOSE}")
THINK = "<think>"
"""What models write before they think, and some templates write for them."""
_NONCHARACTERS = str.maketrans({_OPEN: "\ufffd", _CLOSE: "\ufffd"})


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the rendered prompt. `foreign`: from the user, a file or the model, not from the template."""

    text: str
    foreign: bool


Run = tuple[Span, ...]
"""What stands between two pictures."""


def render(request: Request, template: ChatTemplate, separator: str) -> list[Run | LoadedImage]:
    """The prompt as runs of text and pictures, in order; `separator` follows each picture within its turn.

    Raises PictureLost when the template dropped a picture, TemplateError when it cannot be rendered.
    """
    things: list[str | LoadedImage] = []
    messages = [(turn.role, _content(turn, separator, things)) for turn in request.turns]
    rendered = template.render(messages, request.think)
    if request.prefix:  # an answer begins with a space unless the template ended with white space
        space = "" if rendered[-1:].isspace() else " "
        rendered += space + _stand_in(things, request.prefix)
    parts: list[Run | LoadedImage] = []
    run: list[Span] = []
    for index, piece in enumerate(_STAND_IN.split(rendered)):
        thing = things[int(piece)] if index % 2 else None
        if isinstance(thing, str):
            run.append(Span(thing, True))
        elif thing is None:
            run.append(Span(piece, False))
        else:
            parts += [tuple(run), thing]
            run = []
    parts.append(tuple(run))
    _check_pictures(request, parts)
    return parts


def continued(run: Run, words: str) -> Run:
    """The end of a prompt and what an answer would begin with, in its place: see `render` for the space."""
    text = "".join(span.text for span in run)
    space = "" if text[-1:].isspace() else " "
    return (*run, Span(space, False), Span(words.translate(_NONCHARACTERS), True))


def begins_to_think(parts: Sequence[Run | LoadedImage]) -> bool:
    """Whether the template itself has opened the thinking, so that the answer will only close it."""
    last = parts[-1] if parts else ()
    if isinstance(last, LoadedImage) or not last:
        return False
    return not last[-1].foreign and last[-1].text.rstrip().endswith(THINK)


def _content(turn: Turn, separator: str, things: list[str | LoadedImage]) -> str:
    """A turn's content with stand-ins; the separator is the template's, so it stays as it is."""
    pieces = []
    for part in turn.parts:
        if isinstance(part, Picture):
            pieces.append(_stand_in(things, part.image) + separator)
        elif isinstance(part, Text):
            pieces.append(_stand_in(things, part.text))
    return "".join(pieces)


def _stand_in(things: list[str | LoadedImage], thing: str | LoadedImage) -> str:
    if thing == "":
        return ""
    things.append(thing.translate(_NONCHARACTERS) if isinstance(thing, str) else thing)
    return f"{_OPEN}{len(things) - 1}{_CLOSE}"


def _check_pictures(request: Request, parts: Sequence[Run | LoadedImage]) -> None:
    rendered = [part for part in parts if isinstance(part, LoadedImage)]
    if len(rendered) != len(request.images):
        raise PictureLost(
            f"The model's chat template kept {len(rendered)} of {len(request.images)} pictures, so it was not asked.",
            "Name the right template: --family NAME or --chat-template FILE.",
        )


def tokenize_run(run: Run, vocabulary: Vocabulary) -> list[int]:
    """Token ids of a run, BOS not included: those of the whole string wherever foreign text spells no control token."""
    text = "".join(span.text for span in run)
    if not text:
        return []
    tokens = vocabulary.tokenize(text, parse_special=True)
    if _control_tokens(tokens, vocabulary) == _template_control_tokens(run, vocabulary):
        return tokens
    return _tokenize_around_control_words(run, text, vocabulary)


def _control_tokens(tokens: Sequence[int], vocabulary: Vocabulary) -> list[int]:
    return [token for token in tokens if vocabulary.is_control(token)]


def _template_control_tokens(run: Run, vocabulary: Vocabulary) -> list[int]:
    """The control tokens of the template alone, with an innocent letter in the place of foreign text."""
    innocent = "".join("x" if span.foreign else span.text for span in run)
    return _control_tokens(vocabulary.tokenize(innocent, parse_special=True), vocabulary)


def _tokenize_around_control_words(run: Run, text: str, vocabulary: Vocabulary) -> list[int]:
    """What llama_tokenize does inside, with one difference: only the template's control words are control tokens.

    It cuts the text at them and tokenizes what is between as plain text, each stretch with its leading space where
    the vocabulary has such. So foreign text is never cut, and its tokens are those of the same words anywhere.
    """
    tokens: list[int] = []
    end = 0
    for start, word in _template_control_words(run, text, vocabulary):
        tokens += vocabulary.tokenize_as_words(text[end:start])
        tokens.append(vocabulary.control_words[word])
        end = start + len(word)
    return tokens + vocabulary.tokenize_as_words(text[end:])


def _template_control_words(run: Run, text: str, vocabulary: Vocabulary) -> list[tuple[int, str]]:
    """(place, word) of the control words that are the template's from end to end; of overlapping ones the longest."""
    taken = [span.foreign for span in run for _ in span.text]
    found: list[tuple[int, str]] = []
    for word in vocabulary.control_words:
        at = text.find(word)
        while at >= 0:
            if not any(taken[at : at + len(word)]):
                found.append((at, word))
                taken[at : at + len(word)] = [True] * len(word)
            at = text.find(word, at + 1)
    return sorted(found)
