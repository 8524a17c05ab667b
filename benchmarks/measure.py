"""Whole processes run in turns: wall time, processor time and peak memory of each, and the table they end in."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn


@dataclass(frozen=True, slots=True)
class Run:
    """One process, from before it was started to after it was gone."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    """Largest resident set, mapped files included; of the process itself and of each child, not their sum."""
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Row:
    """One promise and what was measured: `ours` against `peer` in `unit`. Without a target it is only reported."""

    what: str
    unit: str
    ours: float
    peer: float | None = None
    ratio: float | None = None
    """Median of the ratios ours/peer, each of two runs made one after the other."""
    spread: tuple[float, float] | None = None
    """Smallest and largest of these ratios."""
    target: float | None = None
    at_least: bool = False
    """The target is a lower bound: a speed. Otherwise it is an upper bound: a cost."""

    @property
    def kept(self) -> bool | None:
        value = self.ratio if self.ratio is not None else self.ours
        if self.target is None:
            return None
        return value >= self.target if self.at_least else value <= self.target


def run_process(argv: Sequence[str], env: Mapping[str, str] | None = None) -> Run:
    """Runs `argv` to its end with standard input closed. A failure ends the benchmark with what it said."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env)
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        stdout, stderr = (stream.read().decode(errors="replace") for stream in (out, err))
    if process.returncode:
        stop(f"`{' '.join(argv)}` ended with {process.returncode}:\n{stderr[-2000:]}")
    peak_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Run(wall_s, usage.ru_utime + usage.ru_stime, peak_bytes, stdout, stderr)


def progress(line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


def in_turns(jobs: Mapping[str, Callable[[], Any]], rounds: int, warm_ups: int = 1) -> dict[str, list[Any]]:
    """Calls all jobs once a round, so that a slow minute of the machine meets all of them; every other round backwards,
    so that none always follows the same one. The first `warm_ups` rounds fill the disk cache and are not kept."""
    results: dict[str, list[Any]] = {name: [] for name in jobs}
    for number in range(warm_ups + rounds):
        for name in list(jobs)[:: 1 if number % 2 == 0 else -1]:
            progress(f"{number - warm_ups + 1}/{rounds} {name}")
            result = jobs[name]()
            if number >= warm_ups:
                results[name].append(result)
    progress("")
    return results


def compare(
    what: str, unit: str, ours: list[float], peer: list[float], target: float | None = None, at_least: bool = False
) -> Row:
    """`ours[i]` and `peer[i]` were measured in the same round."""
    ratios = [a / b for a, b in zip(ours, peer, strict=True)]
    spread = (min(ratios), max(ratios))
    middle = statistics.median
    return Row(what, unit, middle(ours), middle(peer), middle(ratios), spread, target, at_least)


def report(rows: Sequence[Row], as_json: bool, notes: Sequence[str] = ()) -> None:
    """A Markdown table with its notes, or one JSON object, on standard output."""
    if as_json:
        print(json.dumps({"rows": [asdict(row) | {"kept": row.kept} for row in rows], "notes": notes}, indent=2))
        return
    print("| what | vlm | peer | ratio (least to most) | target | kept |\n|---|---|---|---|---|---|")
    for row in rows:
        peer = "" if row.peer is None else f"{row.peer:.4g} {row.unit}"
        least, most = row.spread or (0, 0)
        ratio = "" if row.ratio is None else f"{row.ratio:.3f} ({least:.2f} to {most:.2f})"
        target = "" if row.target is None else f"{'≥' if row.at_least else '≤'} {row.target:g}"
        kept = {True: "yes", False: "NO", None: ""}[row.kept]
        print(f"| {row.what} | {row.ours:.4g} {row.unit} | {peer} | {ratio} | {target} | {kept} |")
    for note in notes:
        print(f"\n{note}")


def stop(message: str) -> NoReturn:
    sys.exit(f"\n{Path(sys.argv[0]).name}: {message}")


def program(name: str) -> str | None:
    """The console script of this very interpreter, so that all are measured with the same one."""
    path = Path(sys.executable).parent / (name + (".exe" if os.name == "nt" else ""))
    return str(path) if path.exists() else None


def vlm(*arguments: str) -> list[str]:
    """A command line of vlm, which must be installed beside this interpreter."""
    path = program("vlm") or stop("no `vlm` beside this interpreter: pip install . first")
    return [path, *arguments]


@contextmanager
def clean_environment(**more: str) -> Iterator[dict[str, str]]:
    """The environment without settings of vlm, with empty caches and no network: every process is a first one."""
    with tempfile.TemporaryDirectory() as home:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("VLM_")}
        yield kept | {
            "HOME": home,
            "XDG_CACHE_HOME": f"{home}/cache",
            "XDG_CONFIG_HOME": f"{home}/config",
            "XDG_STATE_HOME": f"{home}/state",
            "HF_HUB_OFFLINE": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        } | more  # fmt: skip


def cold(argv: Sequence[str], **more: str) -> Run:
    """One process in an environment of its own, which nothing was cached in."""
    with clean_environment(**more) as env:
        return run_process(argv, env)


def options(description: str | None, rounds: int) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=rounds, help="measured rounds (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    return parser
