"""What `vlm bench` prints: medians with their spread, two settings side by side, the change since last time."""

from __future__ import annotations

import json
import shlex
import statistics
import time
from collections.abc import Sequence
from typing import Any

from vlmcli import __version__
from vlmcli.bench.comparing import Ratio, change, paired
from vlmcli.bench.history import PastRun, find_last, remember
from vlmcli.bench.rounds import Side
from vlmcli.core import Measured
from vlmcli.output import show_name
from vlmcli.output.sizes import show_age, show_size
from vlmcli.output.streams import say
from vlmcli.output.table import Column, print_rows

_SCHEMA = 1


def print_sides(sides: Sequence[Side], interrupted: bool) -> None:
    """A table of one side with what was before, or of two with their ratio. Keeps results that are whole."""
    last, kept = _look_back_and_keep(sides, interrupted)
    say(f"{_title(sides[0])}{', not finished' if interrupted else ''}")
    if len(sides) == 1:
        _print_one(sides[0], last[0], kept)
    else:
        _print_two(*sides)
        say(f"The second is {_options(sides[1], sides[0])}. A ratio is the second's over the first's, of each round.")
    if not kept and not interrupted:
        say("vlm: this result could not be kept, and the next run has nothing to be held against")


def _title(side: Side) -> str:
    name = side.about.model if side.about else " ".join(side.arguments)
    options = _options(side)
    rounds = len(side.rounds)
    return f"{show_name(name)}{f' {options}' if options else ''}: {rounds} {'round' if rounds == 1 else 'rounds'}"


def _options(side: Side, other: Side | None = None) -> str:
    """As they were typed, MODEL left out; those of the `other` left out too."""
    start = len(other.arguments) if other else next((i for i, a in enumerate(side.arguments) if a[:1] == "-"), None)
    return show_name(shlex.join(side.arguments[start:])) if start is not None else ""


def _print_one(side: Side, last: PastRun | None, kept: bool) -> None:
    since = f"since {show_age(time.time() - last.time)}" if last else "last time"
    columns = [Column("phase"), Column("median", right=True), Column("least to most", rank=2, right=True)]
    rows = []
    for phase in side.phases:
        values = side.values(phase.name)
        then = change(last.phases.get(phase.name, ()), values, phase.more_is_better) if last else None
        rows.append((phase.name, _shown(phase, statistics.median(values)), _spread(phase, values), _changed(then)))
    if last:
        columns.append(Column(since.replace(" ago", ""), rank=1))
    print_rows(columns, rows if last else [row[:3] for row in rows])
    if kept and not last:
        say("Kept: the next run of the same will be held against it.")


def _print_two(first: Side, second: Side) -> None:
    columns = [Column("phase"), Column("first", right=True), Column("second", right=True), Column("ratio", right=True)]
    columns += [Column("least to most", rank=2, right=True), Column("the second is", rank=1)]
    rows = []
    for phase in first.phases:
        a, b = first.values(phase.name), second.values(phase.name)
        ratio = paired(a, b, phase.more_is_better)
        if ratio is None:
            continue
        medians = _shown(phase, statistics.median(a)), _shown(phase, statistics.median(b))
        spread = f"{ratio.least:.2f} to {ratio.most:.2f}"
        rows.append((phase.name, *medians, f"{ratio.ratio:.2f}", spread, ratio.verdict))
    print_rows(columns, rows)


def _shown(phase: Measured, value: float) -> str:
    if phase.unit == "bytes":
        return show_size(value)
    if phase.unit == "s":
        return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"
    return f"{value:,.0f} {phase.unit}" if value >= 100 else f"{value:.3g} {phase.unit}"


def _spread(phase: Measured, values: Sequence[float]) -> str:
    return f"{_shown(phase, min(values))} to {_shown(phase, max(values))}" if len(values) > 1 else ""


def _changed(ratio: Ratio | None) -> str:
    if ratio is None:
        return ""
    percent = round((ratio.ratio - 1) * 100)
    return f"{percent:+d} %, {ratio.verdict}" if percent else ratio.verdict


# --- JSON ---------------------------------------------------------------------------------------------------


def print_json(sides: Sequence[Side], interrupted: bool) -> None:
    last, _kept = _look_back_and_keep(sides, interrupted)
    report: dict[str, Any] = {
        "schema": _SCHEMA,
        "vlm": __version__,
        "interrupted": interrupted,
        "settings": [_side_as_json(side, then) for side, then in zip(sides, last, strict=True)],
    }
    if len(sides) == 2:
        first, second = sides
        ratios = {
            phase.name: paired(first.values(phase.name), second.values(phase.name), phase.more_is_better)
            for phase in first.phases
        }
        report["second_to_first"] = {name: _ratio_as_json(ratio) for name, ratio in ratios.items() if ratio}
    print(json.dumps(report, indent=2, ensure_ascii=False))


def _side_as_json(side: Side, last: PastRun | None) -> dict[str, Any]:
    return {
        "model": side.about.model if side.about else None,
        "options": list(side.arguments),
        "rounds": len(side.rounds),
        "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(last.time)) if last else None,
        "phases": [_phase_as_json(side, phase, last) for phase in side.phases],
    }


def _phase_as_json(side: Side, phase: Measured, last: PastRun | None) -> dict[str, Any]:
    values = side.values(phase.name)
    then = change(last.phases.get(phase.name, ()), values, phase.more_is_better) if last else None
    return {
        "name": phase.name,
        "unit": phase.unit,
        "more_is_better": phase.more_is_better,
        "tokens": phase.tokens,
        "seconds": phase.seconds,
        "median": statistics.median(values),
        "values": values,
        "change": _ratio_as_json(then) if then else None,
    }


def _ratio_as_json(ratio: Ratio) -> dict[str, Any]:
    return {"ratio": ratio.ratio, "least": ratio.least, "most": ratio.most, "verdict": ratio.verdict}


# --- what was before ----------------------------------------------------------------------------------------


def _look_back_and_keep(sides: Sequence[Side], interrupted: bool) -> tuple[list[PastRun | None], bool]:
    """The last runs of the same, before these take their places if they are whole; and whether they could."""
    last = [find_last(side.about.key) if side.about else None for side in sides]
    kept = [] if interrupted else [_keep(side) for side in sides]
    return last, bool(kept) and all(kept)


def _keep(side: Side) -> bool:
    if side.about is None:
        return False
    phases = {phase.name: tuple(side.values(phase.name)) for phase in side.phases}
    return remember(PastRun(side.about.key, time.time(), __version__, side.about.model, side.arguments, phases))
