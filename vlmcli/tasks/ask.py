"""The user's own question."""

from __future__ import annotations

from collections.abc import Sequence

from vlmcli.core import LoadedImage, Sampling
from vlmcli.tasks.task import Brief, Steps, Task, ask_once


def _question(brief: Brief, _n_pictures: int) -> str:
    return brief.wording("ask", brief.options.question)


def _steps(brief: Brief, pictures: Sequence[LoadedImage]) -> Steps:
    return ask_once(brief, pictures, _question(brief, len(pictures)), Sampling())


ASK = Task("ask", _question, _steps)
