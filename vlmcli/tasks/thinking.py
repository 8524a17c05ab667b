"""The way to an answer, told from the answer: `<think>…</think>` at its beginning, as models write it that think.

GLM-4.1V puts the answer itself in `<answer>…</answer>` after that. A text is only split where it begins so: the same
signs later, in a page that is read or a web page that is talked about, are words like others.
"""

from __future__ import annotations

from vlmcli.core import StopReason

OPEN, CLOSE = "<think>", "</think>"
_OPEN_ANSWER, _CLOSE_ANSWER = "<answer>", "</answer>"


class Splitter:
    """Takes an answer as it comes, in any pieces, and hands out what can be told already."""

    def __init__(self) -> None:
        self._held = ""
        self._state = "start"
        self._thought = False

    @property
    def has_thought(self) -> bool:
        """Whether the text has shown so far that it begins with thinking."""
        return self._thought

    def feed(self, text: str) -> tuple[str, str]:
        """(thinking, answer) that are new. The beginning of what may become a tag waits for the rest of it."""
        self._held += text
        thinking = answer = ""
        if self._state == "start":
            self._begin()
        if self._state == "thinking":
            thinking = self._think()
        if self._state == "thought":
            self._go_over()
        if self._state == "boxed":
            answer = self._take_before(_CLOSE_ANSWER)[0]
        elif self._state == "answer":
            answer, self._held = self._held, ""
        return thinking, answer

    def flush(self) -> tuple[str, str]:
        """What was held back, at the end."""
        rest, self._held = self._held, ""
        return (rest, "") if self._state == "thinking" else ("", rest)

    def _begin(self) -> None:
        said = self._held.lstrip()
        if said.startswith(OPEN):
            self._state, self._held, self._thought = "thinking", said[len(OPEN) :].lstrip(), True
        elif said and not OPEN.startswith(said):
            self._state = "answer"

    def _think(self) -> str:
        words, closed = self._take_before(CLOSE)
        if closed:
            self._state = "thought"
        return words

    def _go_over(self) -> None:
        """Between thinking and answer there may be white space, and the sign that the answer is in a box."""
        self._held = self._held.lstrip()
        if self._held.startswith(_OPEN_ANSWER):
            self._state, self._held = "boxed", self._held[len(_OPEN_ANSWER) :].lstrip()
        elif self._held and not _OPEN_ANSWER.startswith(self._held):
            self._state = "answer"

    def _take_before(self, tag: str) -> tuple[str, bool]:
        """What stands before `tag`, as far as that is certain, and whether it came."""
        words, found, rest = self._held.partition(tag)
        if found:
            self._held = rest
            return words, True
        longest = min(len(tag) - 1, len(words))
        begun = next((n for n in range(longest, 0, -1) if words.endswith(tag[:n])), 0)
        self._held = words[len(words) - begun :]
        return words[: len(words) - begun], False


def split_thinking(text: str, stop_reason: StopReason | None = "end") -> tuple[str, str]:
    """(thinking, answer) of a whole text.

    Thinking that never ends although the model was done was none: the answer just begins with that word. A closing
    sign without an opening one ends thinking that the prompt had begun.
    """
    if not text.lstrip().startswith(OPEN):
        before, found, after = text.partition(CLOSE)
        return split_thinking(f"{OPEN}{before}{CLOSE}{after}") if found else ("", text)
    if CLOSE not in text and stop_reason in ("end", "stop"):
        return "", text
    splitter = Splitter()
    parts = [splitter.feed(text), splitter.flush()]
    thinking, answer = ("".join(each) for each in zip(*parts, strict=True))
    return thinking.strip(), answer.strip()
