"""Rounds of measuring, each in a fresh process, so that none profits from the one before.

The process is vlm itself with the same options and ROUND_OPTION: it prints lines of JSON, first what is measured, then
each phase as soon as it is there.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import IO, Any

from vlmcli.core import Measured
from vlmcli.errors import (
    EXIT_MODEL,
    EXIT_OUTPUT,
    EXIT_USAGE,
    EngineError,
    ModelError,
    OutputError,
    UsageError,
    VlmError,
)
from vlmcli.processes import how_it_ended, python_command

ROUND_OPTION = "--one-round"
_KINDS: dict[int, type[VlmError]] = {EXIT_USAGE: UsageError, EXIT_MODEL: ModelError, EXIT_OUTPUT: OutputError}
_SAYS = "vlm: "


@dataclass(frozen=True, slots=True)
class About:
    """What a round measures. `key`: another one when the model, the settings or the build are."""

    model: str
    key: str


@dataclass(slots=True)
class Side:
    """One of the settings, and what was measured with them, in order; the last round may be cut short."""

    arguments: tuple[str, ...]
    """Of the whole command: MODEL and options."""
    about: About | None = None
    rounds: list[list[Measured]] = field(default_factory=list)

    def values(self, name: str) -> list[float]:
        """Of a phase, of those rounds that came to it."""
        return [each.value for measured in self.rounds for each in measured if each.name == name]

    @property
    def phases(self) -> list[Measured]:
        """Each phase that was measured, as it was the first time, in order."""
        return list({each.name: each for measured in reversed(self.rounds) for each in measured}.values())


def run_rounds(sides: Sequence[Side], rounds: int, tell: Callable[[str], None]) -> None:
    """Fill the sides, in turns: each round in the other order, so that none always follows the same one.

    What was measured before Ctrl-C, or an error, is in them. `tell` hears what is done next. Raises VlmError.
    """
    for number in range(rounds):
        for side in list(sides)[:: -1 if number % 2 == 0 else 1]:  # what --vs gets wrong shows at once
            side.rounds.append([])
            tell(f"round {number + 1} of {rounds}")
            for said in _one_round(side.arguments):
                if isinstance(said, About):
                    side.about = said
                else:
                    side.rounds[-1].append(said)
                    tell(f"round {number + 1} of {rounds}: {said.name}")
            if side.about is None:  # it printed its help, say
                raise vs_is_of_opening()


def vs_is_of_opening() -> UsageError:
    return UsageError("--vs takes options of how a model is opened.", 'vlm bench MODEL --vs "--threads 2"')


def _one_round(arguments: Sequence[str]) -> Iterator[About | Measured]:
    """What a fresh process says, as it says it. Raises VlmError for what it says on stderr, or how it dies."""
    command = python_command("vlmcli.cli", ["bench", *arguments, ROUND_OPTION])
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as stderr:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, encoding="utf-8"
        )
        try:
            for line in process.stdout or ():
                if (said := _parsed(line)) is not None:
                    yield said
            if process.wait():
                raise _failure(process.returncode, stderr)
        finally:
            process.kill()
            process.wait()


def print_round(about: About, phases: Iterator[Measured]) -> None:
    """In the fresh process: what `_one_round` reads."""
    print(json.dumps({"about": asdict(about)}), flush=True)
    for measured in phases:
        print(json.dumps(asdict(measured)), flush=True)


def _parsed(line: str) -> About | Measured | None:
    """None for a line that is not ours."""
    try:
        said: Any = json.loads(line)
        return About(**said["about"]) if "about" in said else Measured(**said)
    except (ValueError, TypeError):
        return None


def _failure(status: int, stderr: IO[str]) -> VlmError:
    """The error that it printed last: `vlm: sentence`, and its hints under it."""
    stderr.seek(0)
    words = stderr.read().rstrip()
    at = max(words.rfind(f"\n{_SAYS}") + 1, 0)
    if status < 0 or not words[at:].startswith(_SAYS):
        return EngineError(f"The process that was measured died ({how_it_ended(status)}).", "vlm doctor")
    sentence, *hints = words[at:].removeprefix(_SAYS).splitlines()
    return _KINDS.get(status, EngineError)(sentence, "\n".join(line.strip() for line in hints))
