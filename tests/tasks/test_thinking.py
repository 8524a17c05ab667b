"""Thinking told from the answer, whole and while it streams, wherever the text is cut."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest

from vlmcli.core import StopReason
from vlmcli.tasks.thinking import Splitter, split_thinking

TEXTS = {
    "<think>a b</think>c": ("a b", "c"),
    "<think>\na\n\nb\n</think>\n\nc d": ("a\n\nb", "c d"),
    "  <think>a</think><answer>c < d</answer>": ("a", "c < d"),
    "<think></think>c": ("", "c"),
    "<think>x < y </thin k></think>c</think>": ("x < y </thin k>", "c</think>"),
    "c": ("", "c"),
    "": ("", ""),
    "<thinking is hard>": ("", "<thinking is hard>"),
    "a <think>b</think> c": ("a <think>b", "c"),
    "begun</think>c": ("begun", "c"),
}


@pytest.mark.parametrize("text", TEXTS)
def test_a_whole_text(text: str) -> None:
    assert split_thinking(text) == TEXTS[text]


STREAMED = [text for text in TEXTS if text.lstrip().startswith("<think") or "</think>" not in text]


@pytest.mark.parametrize("text", STREAMED)
def test_a_stream_gives_the_same_wherever_it_is_cut(text: str) -> None:
    cuts = [(), *combinations(range(1, len(text)), 1), *combinations(range(1, len(text)), 2)]
    for places in [*cuts, tuple(range(1, len(text)))]:
        splitter, edges = Splitter(), [0, *places, len(text)]
        parts = [splitter.feed(text[a:b]) for a, b in pairwise(edges)] + [splitter.flush()]
        thinking, answer = ("".join(each).strip() for each in zip(*parts, strict=True))
        assert (thinking, answer) == TEXTS[text], places


def test_words_are_not_held_longer_than_they_may_become_a_tag() -> None:
    splitter = Splitter()
    assert splitter.feed("<think>abc</") == ("abc", "")
    assert splitter.feed("b>") == ("</b>", "")
    assert splitter.feed("</think> \n") == ("", "")
    assert splitter.feed("yes") == ("", "yes")


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("length", ("a page", "")),
        ("interrupted", ("a page", "")),
        ("end", ("", "<think>a page")),
    ],
)
def test_thinking_that_never_ends(reason: StopReason | None, expected: tuple[str, str]) -> None:
    """A model that was done had not been thinking: it read a page that begins so."""
    assert split_thinking("<think>a page", reason) == expected
