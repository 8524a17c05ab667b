"""The user's own question."""

from __future__ import annotations

from collections.abc import Sequence

from vlmcli.core import LoadedImage, Sampling
from vlmcli.tasks.asking import ask_once
from vlmcli.tasks.in_form import ask_in_form, check_options
from vlmcli.tasks.task import Brief, Steps, Task


def _question(brief: Brief, _n_pictures: int) -> str:
    check_options(brief.options)
    return brief.wording("ask", brief.options.question)


def _steps(brief: Brief, pictures: Sequence[LoadedImage]) -> Steps:
    ask = ask_in_form if brief.options.form else ask_once
    return ask(brief, pictures, _question(brief, len(pictures)), Sampling())


ASK = Task("ask", _question, _steps)
