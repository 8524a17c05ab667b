"""What a build costs that dies with AMX: the three ways of laying weights in memory, side by side, in one good build.

Full speed against repacked weights (what vlm takes on a build that dies in AMX's kernels), and these against weights as
they lie in the file (what was taken before): prefill of a picture's 576 rows and decode after it, as vlm reports them.
Then what vlm finds by itself, with these libraries and with the installed ones; and what finding it costs, once.

    python benchmarks/safe_mode.py --models FOLDER
"""

from __future__ import annotations

import re
import sys
from functools import partial

import build_llama
from measure import Run, clean_environment, cold, compare, in_turns, options, report, run_process
from pair import Pair, add_options, counts_of_vlm, pair_of, record_of

MODES = {"full": "on", "repacked": "repack", "plain": "off"}
_TRIAL = "from vlmcli.engine import *; check_build(frozenset({'Q4_0', 'Q6_K', 'F32'}), EngineSettings())"


def ask(pair: Pair, mode: str) -> tuple[float, float]:
    """Tokens per second of prefill and of decode."""
    run = cold(pair.command(), **build_llama.environment(pair.llama) | {"VLM_EXTRA_BUFFERS": MODES[mode]})
    counts_of_vlm(run).check("vlm", pair.tokens)
    record = record_of(run)
    return 1000 * record["tokens"]["prompt"] / record["timings_ms"]["prefill"], record["tokens_per_second"]


def what_is_found(pair: Pair, libraries: dict[str, str]) -> str:
    """The buffers that the weights were put in without a word from us, by llama.cpp's own log."""
    run: Run = cold(pair.command(verbose=True), **libraries | {"VLM_EXTRA_BUFFERS": "auto"})
    return ", ".join(re.findall(r"(\S+ model buffer size = +[\d.]+ MiB)", run.stderr)).replace(" model buffer size", "")


def trial_s() -> tuple[float, float]:
    """Seconds of a process that finds the way of the installed libraries for the first time, and of the next one."""
    with clean_environment() as env:
        first, later = (run_process([sys.executable, "-c", _TRIAL], env).wall_s for _ in "12")
    return first, later


def main() -> None:
    parser = options(__doc__, rounds=5)
    add_options(parser, tokens=64)
    arguments = parser.parse_args()
    pair = pair_of(arguments)

    speeds = in_turns({mode: partial(ask, pair, mode) for mode in MODES}, arguments.rounds)
    trials = in_turns({"trial": trial_s}, arguments.rounds)["trial"]
    rows = []
    for better, worse in (("full", "repacked"), ("repacked", "plain"), ("full", "plain")):
        for number, what in enumerate(("prefill", "decode")):
            of = {mode: [speed[number] for speed in speeds[mode]] for mode in (better, worse)}
            rows.append(compare(f"{what}, {better} against {worse}", "tokens/s", of[better], of[worse]))
    rows.append(compare("finding the way, against knowing it", "s", *map(list, zip(*trials, strict=True))))
    found = {
        "these libraries": build_llama.environment(pair.llama),
        "the installed ones": {},
    }
    notes = [f"By itself, with {name}: {what_is_found(pair, libraries)}." for name, libraries in found.items()]
    report(rows, arguments.json, [*notes, f"{pair.tokens} tokens, {arguments.rounds} rounds, {pair.threads} threads."])


if __name__ == "__main__":
    main()
