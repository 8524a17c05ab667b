"""How a folder job on a Ray cluster grows with its workers: 1, 2 and 4 of them on this machine.

All of a job is real (the plan, the ledger, the workers, reading and decoding the pictures) but the engine, which
sleeps a fixed time over each picture: so four workers have as much to compute with as one, and what is lost is lost
by the distributing. The speed is that between the first tenth of the answers and the last one; starting Ray and the
workers is a row of its own, and so is the processor time that the job's own process takes for a picture, which bounds
the speed of any cluster.

Promise: at least 0.9 of linear. The last lines are on paper: what ten million pictures take by

    T(N, W) = S + N * max(c / (e * W), d)

with S the start, c a worker's seconds for a picture, e the measured share of linear, d the job's own seconds for one.

    python benchmarks/ray_scaling.py        (wants pip install 'vlmcli[ray]')
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from vlmcli.batch.cluster.shape import ClusterSettings
from vlmcli.batch.cluster.workers import RayWorkers
from vlmcli.batch.job import FolderJob
from vlmcli.batch.ledger import Ledger
from vlmcli.batch.messages import Start
from vlmcli.batch.planning import Planner, Wanted
from vlmcli.core import Answer, Event, Family, Finished, ImageRef, JobEvent, Record, Request
from vlmcli.images import load, resolve, stitch
from vlmcli.images.wishes import NONE
from vlmcli.pipeline import Job, run
from vlmcli.tasks import TASKS, Brief, TaskOptions

SHARE = 0.9
WORKERS = (1, 2, 4)
ON_PAPER = (1, 8, 64)
PICTURES_ON_PAPER = 10**7
REAL_COST_S = 4.2
"""A picture and 64 tokens of a 1.1B model on two cores (README.md here, many answers side by side)."""


class Sleeper:
    """A model whose engine sleeps so long over each picture, one at a time."""

    fingerprint = ""

    def __init__(self, cost_s: float) -> None:
        self._cost_s = cost_s

    def job(self, task: str, pictures: Sequence[ImageRef], options: TaskOptions) -> Job:
        return Job(TASKS[task], tuple(pictures), Brief(options, Family("sleeper"), stitch, None))

    def run(self, jobs: Iterable[Job | None], many: bool | None = None) -> Iterator[JobEvent]:
        return run(jobs, self, load, "sleeper", many)

    def stream(self, requests: Iterable[Request | None]) -> Iterator[Event]:
        for request in requests:
            if request is None:
                continue
            time.sleep(self._cost_s)
            yield Finished(request.id, Answer("It slept.", "end"))

    def interrupt(self) -> bool:
        return False

    def close(self) -> bool:
        return True


@dataclass
class Clock:
    """When each answer came. A watcher of the job."""

    answers_s: list[float] = field(default_factory=list)

    def answered(self, record: Record) -> None:
        assert record.error is None, record.error
        self.answers_s.append(time.monotonic())

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


@dataclass(frozen=True)
class Measured:
    workers: int
    pictures: int
    per_s: float
    start_s: float
    own_ms: float


def measure(workers: int, pictures: Sequence[str], cost_s: float, folder: Path) -> Measured:
    ledger = Ledger(folder / f"{workers}.jsonl", {}, "sleeper")
    options = (TaskOptions(),)
    clock = Clock()
    start = Start(partial(Sleeper, cost_s), "describe", options, NONE, "sleeper")
    settings = ClusterSettings(workers=workers, cpus=(os.cpu_count() or 1) / max(WORKERS))
    open_engine = partial(RayWorkers, settings=settings)
    wanted = (Wanted(resolve(name)) for name in pictures)
    began_s, own_s = time.monotonic(), time.process_time()
    planner = Planner(ledger, ("",), False)
    FolderJob(wanted, start, planner, ledger, clock, open_engine=open_engine, ahead=8 * workers).run()
    own_s = time.process_time() - own_s
    ledger.close()
    assert len((folder / f"{workers}.jsonl").read_bytes().splitlines()) == len(pictures)
    times = clock.answers_s
    first, last = len(times) // 10, len(times) - workers  # the last of each worker comes when it comes
    per_s = (last - first) / (times[last] - times[first])
    return Measured(workers, len(times), per_s, times[0] - began_s, 1000 * own_s / len(times))


def draw(folder: Path, many: int) -> list[str]:
    names = [str(folder / f"{number}.png") for number in range(many)]
    for number, name in enumerate(names):
        Image.new("RGB", (64, 64), (number % 256, number // 256, 1)).save(name)
    return names


def on_paper(start_s: float, cost_s: float, share: float, own_s: float, workers: int) -> float:
    return start_s + PICTURES_ON_PAPER * max(cost_s / (share * workers), own_s)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cost", type=float, default=0.2, help="seconds that the engine sleeps over a picture")
    parser.add_argument("--pictures", type=int, default=60, help="for each worker")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pictures = draw(folder, given.pictures * max(WORKERS))
        rows = [measure(n, pictures[: given.pictures * n], given.cost, folder) for n in WORKERS]
    shares = {row.workers: row.per_s / row.workers / rows[0].per_s for row in rows}
    if given.json:
        print(json.dumps({"rows": [vars(row) for row in rows], "shares": shares}))
    else:
        show(rows, shares)
    return 0 if min(shares.values()) >= SHARE else 1


def own_s_of(rows: Sequence[Measured]) -> float:
    """Seconds of the job's process for one more picture: what it takes once, to start Ray, is not in it."""
    *_, fewer, more = rows
    spent_s = (more.own_ms * more.pictures - fewer.own_ms * fewer.pictures) / 1000
    return spent_s / (more.pictures - fewer.pictures)


def show(rows: Sequence[Measured], shares: dict[int, float]) -> None:
    print("workers  pictures/s  of linear  start s  own ms a picture")
    for row in rows:
        share = shares[row.workers]
        print(f"{row.workers:>7}  {row.per_s:>10.2f}  {share:>9.3f}  {row.start_s:>7.1f}  {row.own_ms:>16.2f}")
    start_s, own_s, share = rows[-1].start_s, own_s_of(rows), min(1.0, *shares.values())
    print(
        f"\non paper, {PICTURES_ON_PAPER:,} pictures, S = {start_s:.0f} s, e = {share:.3f}, d = {1000 * own_s:.2f} ms:"
    )
    for cost_s in (0.2, REAL_COST_S):
        days = [on_paper(start_s, cost_s, share, own_s, workers) / 86400 for workers in ON_PAPER]
        told = ", ".join(f"{each:.1f} days with {n}" for each, n in zip(days, ON_PAPER, strict=True))
        print(f"  c = {cost_s} s: {told} workers")


if __name__ == "__main__":
    sys.exit(main())
