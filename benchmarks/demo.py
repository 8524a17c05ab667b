"""One question to the model in the box: the whole process, the disk cache warm, vlm's own caches empty.

Reported; the target is 0.6 s on two cores. `--imports` adds where Python's share of it goes, by package.

    python benchmarks/demo.py [--imports]
"""

from __future__ import annotations

import re
import statistics
import sys
from collections import Counter
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from measure import Row, Run, cold, in_turns, options, report, stop, vlm

QUESTION = "How many shapes are there?"
TARGET_S = 0.6


def packaged_picture() -> Path:
    """The first of the sample pictures that came with the installed vlmcli."""
    spec = find_spec("vlmcli")
    folders = [Path(place) for place in (spec and spec.submodule_search_locations) or ()]
    pictures = sorted(picture for folder in folders for picture in folder.glob("demo/**/*.png"))
    return pictures[0] if pictures else stop("no picture in vlmcli/demo: pip install . first")


def imports(arguments: list[str]) -> str:
    """Milliseconds of import by package, each module's own time only, the dearest packages first."""
    run = cold([sys.executable, "-X", "importtime", "-m", "vlmcli", *arguments])
    spent: Counter[str] = Counter()
    for own_us, module in re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", run.stderr):
        spent[module.split(".")[0]] += int(own_us)
    parts = [f"{name} {us / 1000:.0f}" for name, us in spent.most_common(12)]
    return f"Imports, {sum(spent.values()) / 1000:.0f} ms in all under -X importtime, by package: {', '.join(parts)}."


def main() -> None:
    parser = options(__doc__, rounds=15)
    parser.add_argument("--question", default=QUESTION)
    parser.add_argument("--picture", type=Path, help="(default: the first one in the box)")
    parser.add_argument("--imports", action="store_true", help="say which packages cost how much to import")
    arguments = parser.parse_args()
    command = ["ask", str(arguments.picture or packaged_picture()), arguments.question, "--model", "demo"]

    runs: list[Run] = in_turns({"vlm ask": partial(cold, vlm(*command))}, arguments.rounds)["vlm ask"]
    wall_s = statistics.median(run.wall_s for run in runs)
    rows = [
        Row("one question to the model in the box, wall time", "s", wall_s, target=TARGET_S),
        Row("the same, processor time", "s", statistics.median(run.cpu_s for run in runs)),
        Row("the same, peak memory", "MB", statistics.median(run.peak_bytes / 1e6 for run in runs)),
    ]
    notes = [f"{arguments.question!r}: {runs[-1].stdout.strip()!r}"]
    report(rows, arguments.json, notes + ([imports(command)] if arguments.imports else []))


if __name__ == "__main__":
    main()
