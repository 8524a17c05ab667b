"""How far llama.cpp may go in making products quick, and what a trial on this machine found of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Mode(StrEnum):
    """Where the decoder's weights are put on a processor: from the quickest to the most careful."""

    FULL = "full"
    """Every layout that this build has for this processor, AMX among them."""
    REPACKED = "repacked"
    """Matrix weights interleaved in ggml's CPU_REPACK buffers, and nothing beyond that."""
    PLAIN = "plain"
    """As they lie in the file."""


@dataclass(frozen=True, slots=True)
class TypeVerdict:
    """What came of weights of one type. A way of failing is `SIGSEGV`, `exit code 3`, `wrong answers`, …"""

    type: str
    mode: Mode | None
    """The first that computes right; None: none does."""
    failures: Mapping[Mode, str] = field(default_factory=dict)
    gpu_failure: str = ""
    untried: str = ""
    """Why no trial could be made: then `mode` is the most careful one, and nothing is kept."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a model of these weights is to be run on this build, processor and driver."""

    mode: Mode = Mode.FULL
    gpu: bool = True
    """Whether weights may be put on a GPU, where there is one."""
    types: tuple[TypeVerdict, ...] = ()
    """Of the model's quantized types, those that were tried in their place; empty: nothing needed a trial."""
    build: str = ""
    """A digest of the libraries, the processor and the driver for which this holds."""
    sentence: str = ""
    """What is not as it should be, for a person; "" when all is on."""
    remedy: str = ""
    """The command that mends it."""
