"""One round: the phases of an answer about a packaged picture, measured in this process."""

from __future__ import annotations

from collections.abc import Iterator

from vlmcli import demo
from vlmcli.bench.rounds import About
from vlmcli.core import Measured, ModelFiles
from vlmcli.engine import EngineSettings
from vlmcli.engine import measure as measure_engine
from vlmcli.engine.identity import speed_identity
from vlmcli.images import load, resolve

_PICTURE = "shapes.png"
_KEY_LENGTH = 16


def measure(files: ModelFiles, settings: EngineSettings) -> tuple[About, Iterator[Measured]]:
    """What is measured, and each phase as soon as it is. Raises VlmError, also while the phases come."""
    try:
        key = speed_identity(files, settings)[:_KEY_LENGTH]
    except OSError:  # there are no libraries: loading them says what is wrong
        key = ""
    return About(files.name, key), measure_engine(files, settings, load(resolve(demo.PICTURES / _PICTURE)))
