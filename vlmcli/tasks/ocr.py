"""The text in the picture: greedy, look by look where it is larger than the model's eyes, with a way out of loops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vlmcli.core import LoadedImage, Sampling
from vlmcli.errors import UsageError
from vlmcli.tasks.clock import Clock
from vlmcli.tasks.page import read_page
from vlmcli.tasks.reading import read_look
from vlmcli.tasks.task import Brief, Outcome, Steps, Task
from vlmcli.tasks.together import Together

STYLES: Mapping[str, str] = {
    "plain": "Read all the text in this picture. Answer with the text alone, keeping the lines.",
    "markdown": "Read all the text in this picture. Answer with the text alone, as Markdown: its headings, its lists.",
    "table": "Read the table in this picture. Answer with the table alone, as Markdown, keeping its rows.",
}
DEFAULT_STYLE = "plain"
_SAMPLING = Sampling(max_tokens=1024)


def _question(brief: Brief, _n_pictures: int) -> str:
    style = brief.options.style or DEFAULT_STYLE
    if style not in STYLES:
        raise UsageError(f"There is no style {style!r}.", f"One of: {', '.join(STYLES)}")
    return _wording(brief, style)


def _wording(brief: Brief, style: str) -> str:
    return brief.wording("ocr" if style == DEFAULT_STYLE else f"ocr.{style}", STYLES[style])


def _steps(brief: Brief, pictures: Sequence[LoadedImage]) -> Steps:
    page = brief.lay_out(pictures[0]) if brief.lay_out and not brief.options.whole else None
    if page is None:
        return (yield from _read_whole(brief, pictures))
    # How a page is laid out is known already, and each of its looks is nothing but lines.
    request = brief.request((), _wording(brief, DEFAULT_STYLE), _SAMPLING, greedy=True)
    return (yield from read_page(page, request, brief))


def _read_whole(brief: Brief, pictures: Sequence[LoadedImage]) -> Steps:
    request = brief.request(pictures, _question(brief, len(pictures)), _SAMPLING, greedy=True)
    steps = read_look(request, Clock(request.timeout_s))
    if not brief.family.reading.no_text:
        return (yield from steps)
    # What it says of a picture without text is not shown, so nothing is until it is known that it says something else.
    (outcome,) = yield Together((steps,), lambda outcomes: _text_of(brief, outcomes[0]))
    return Outcome(_text_of(brief, outcome), outcome.stop_reason, confidence=outcome.confidence)


def _text_of(brief: Brief, outcome: Outcome | None) -> str:
    text = outcome.text if outcome else ""
    return "" if text.strip() in brief.family.reading.no_text else text


OCR = Task("ocr", _question, _steps)
