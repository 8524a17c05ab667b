"""What a check says: values, and nothing that prints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from vlmcli.doctor.patient import Patient

Level = Literal["ok", "warning", "problem"]
"""warning: vlm works, and could do better. problem: something does not work; the exit code says so too."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact about this machine, and what to type where it could be better."""

    level: Level
    what: str
    detail: str
    fix: str = ""
    """Commands or advice, a line each."""
    private: tuple[str, ...] = ()
    """Words in it that a bug report is not to hold: paths, names of the user's own."""


@dataclass(frozen=True, slots=True)
class Check:
    """Asks one thing. Whatever it raises is a finding too; `hurried`: it must end within the seconds of all."""

    name: str
    run: Callable[[Patient], Iterator[Finding]]
    hurried: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """A finding, and the check that it is from."""

    check: str
    finding: Finding
