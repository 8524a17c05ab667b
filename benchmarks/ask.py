"""One question about one picture, each program a cold process: `vlm ask` against `llama-mtmd-cli`.

Same GGUF pair, picture, question, threads, number of generated tokens, greedy sampling and build of llama.cpp; the
files in the disk cache. Promise: wall time at most 1.05 and peak memory at most 1.10 of the peer's, in all its ways:

- as its user types it: it warms up decoder and encoder first, and its context is as long as the model was trained for;
- with --no-warmup;
- with --no-warmup and -c of just what is needed, as vlm sizes its context: the leanest that it can be.

    python benchmarks/ask.py --models FOLDER
"""

from __future__ import annotations

import re
from functools import partial

from measure import Run, cold, compare, in_turns, options, report
from pair import QUESTION, Counts, Pair, add_options, counts_of_vlm, pair_of

WALL_TARGET, MEMORY_TARGET = 1.05, 1.10


def mtmd_cli(pair: Pair, *more: str) -> Run:
    return cold(
        [
            pair.tool("llama-mtmd-cli"), "-m", str(pair.decoder), "--mmproj", str(pair.projector),
            "--image", str(pair.picture), "-p", QUESTION, "-n", str(pair.tokens), "-t", str(pair.threads),
            "--temp", "0", "--chat-template", "vicuna", *more,
        ]
    )  # fmt: skip


def counts_of_mtmd_cli(log: str) -> Counts:
    """From the log at level 4. The first decode step is not among its "runs"."""

    def number(pattern: str) -> int:
        found = re.search(pattern, log)
        return int(found[1]) if found else 0

    image = number(r"decoding image batch 1/1, n_tokens_batch = (\d+)")
    return Counts(number(r"prompt eval time.*?/\s*(\d+) tokens"), image, number(r" eval time.*?/\s*(\d+) runs") + 1)


def main() -> None:
    parser = options(__doc__, rounds=7)
    add_options(parser, tokens=64)
    arguments = parser.parse_args()
    pair = pair_of(arguments)

    ours, theirs = counts_of_vlm(pair.ask()), counts_of_mtmd_cli(mtmd_cli(pair, "-lv", "4").stderr)
    ours.check("vlm", pair.tokens)
    theirs.check("llama-mtmd-cli", pair.tokens)
    context = str(max(ours.prompt, theirs.prompt) + pair.tokens)

    peers = {
        "`llama-mtmd-cli`": (),
        "`llama-mtmd-cli --no-warmup`": ("--no-warmup",),
        f"`llama-mtmd-cli --no-warmup -c {context}`": ("--no-warmup", "-c", context),
    }
    jobs = {"vlm": pair.ask} | {name: partial(mtmd_cli, pair, *more) for name, more in peers.items()}
    runs: dict[str, list[Run]] = in_turns(jobs, arguments.rounds, warm_ups=0)
    for run in runs["vlm"]:
        counts_of_vlm(run).check("vlm", pair.tokens)

    wall = {name: [run.wall_s for run in of_one] for name, of_one in runs.items()}
    memory = {name: [run.peak_bytes / 1e6 for run in of_one] for name, of_one in runs.items()}
    cpu = {name: [run.cpu_s for run in of_one] for name, of_one in runs.items()}
    rows = [compare(f"wall time, against {name}", "s", wall["vlm"], wall[name], WALL_TARGET) for name in peers]
    rows += [
        compare(f"peak memory, against {name}", "MB", memory["vlm"], memory[name], MEMORY_TARGET) for name in peers
    ]
    rows += [compare(f"processor time, against {name}", "s", cpu["vlm"], cpu[name]) for name in peers]
    report(
        rows,
        arguments.json,
        [f"vlm: {ours}. llama-mtmd-cli: {theirs}. {pair.threads} threads, {arguments.rounds} rounds."],
    )


if __name__ == "__main__":
    main()
