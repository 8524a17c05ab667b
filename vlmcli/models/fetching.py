"""`vlmcli.pull`: a model fetched from Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vlmcli.config import read_aliases

if TYPE_CHECKING:
    from vlmcli.models.hub.events import PullEvent


def pull(model: str, progress: Callable[[PullEvent], None] | None = None) -> None:
    """Fetch a model as `vlm pull` does; what is here already is not fetched again. Nothing is asked or printed.

    `progress` is told what happens: see vlmcli.models.hub.events. Raises ModelError, OutputError.
    """
    from vlmcli.models.pulling import fetch_files, plan_pull

    for event in fetch_files(plan_pull(model, read_aliases())):
        if progress:
            progress(event)
