"""Threads, flash attention, the type of the KV and sizes of batches: what each is worth, against what vlm chooses.

Whole processes in turns; each round gives one ratio for each setting against the first row of its table, and above 1 is
quicker than that. Wants a quiet machine: decoding waits for the slowest of its threads.

    python benchmarks/settings.py --models FOLDER
"""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import build_llama
from measure import cold, in_turns, options
from pair import Pair, add_options, counts_of_vlm, pair_of, record_of

_DEPTH = 608
"""Of a picture and a question with LLaVA-1.5."""


@dataclass(frozen=True, slots=True)
class Speeds:
    """Per second: pictures encoded (0: not measured), tokens read in, tokens written."""

    encode: float
    prefill: float
    decode: float


@dataclass(frozen=True, slots=True)
class Found:
    """One setting. `ratios`: median, least and most of each speed against the first setting in the same round."""

    setting: str
    speeds: Speeds
    ratios: Mapping[str, tuple[float, float, float]]


def of_vlm(pair: Pair, *more: str) -> Speeds:
    run = cold([*pair.command(threads=False), *more], **build_llama.environment(pair.llama))
    counts = counts_of_vlm(run)
    counts.check("vlm", pair.tokens)
    record = record_of(run)
    timings = record["timings_ms"]
    return Speeds(1000 / timings["encode"], counts.prompt * 1000 / timings["prefill"], record["tokens_per_second"])


def of_bench(pair: Pair, *more: str) -> Speeds:
    """llama-bench: one prompt as long as a picture, and as many tokens behind it."""
    command = [pair.tool("llama-bench"), "-m", str(pair.decoder), "-t", str(pair.threads), "-r", "1", "-o", "json"]
    run = cold([*command, "-p", str(_DEPTH), "-n", "0", *more])
    decode = cold([*command, "-p", "0", "-n", str(pair.tokens), "-d", str(_DEPTH), *more])
    return Speeds(0.0, json.loads(run.stdout)[0]["avg_ts"], json.loads(decode.stdout)[0]["avg_ts"])


def settings_of_vlm(pair: Pair) -> dict[str, Callable[[], Speeds]]:
    threads = sorted({1, 2, max((os.cpu_count() or 1) // 2, 1), os.cpu_count() or 1})
    jobs: dict[str, Sequence[str]] = {"as vlm chooses": []}
    jobs |= {f"--threads {n}": ["--threads", str(n)] for n in threads}
    jobs |= {f"--threads-batch {n}": ["--threads-batch", str(n)] for n in threads}
    jobs |= {"--kv-type q8_0": ["--kv-type", "q8_0"]}
    return {name: lambda more=more: of_vlm(pair, *more) for name, more in jobs.items()}  # type: ignore[misc]


def settings_of_bench(pair: Pair) -> dict[str, Callable[[], Speeds]]:
    jobs: dict[str, Sequence[str]] = {"flash attention, f16, batches of 512": ["-fa", "on"]}
    jobs |= {"no flash attention": ["-fa", "off"]}
    jobs |= {"KV q8_0": ["-fa", "on", "-ctk", "q8_0", "-ctv", "q8_0"]}
    jobs |= {f"batches of {n}": ["-fa", "on", "-ub", str(n)] for n in (128, 256, 1024)}
    return {name: lambda more=more: of_bench(pair, *more) for name, more in jobs.items()}  # type: ignore[misc]


def measure(jobs: Mapping[str, Callable[[], Speeds]], rounds: int) -> list[Found]:
    runs = in_turns(jobs, rounds, warm_ups=0)
    base = next(iter(runs.values()))
    return [Found(name, _middle(found), _ratios(found, base)) for name, found in runs.items()]


def _middle(runs: Sequence[Speeds]) -> Speeds:
    return Speeds(*(statistics.median(values) for values in zip(*(asdict(run).values() for run in runs), strict=True)))


def _ratios(runs: Sequence[Speeds], base: Sequence[Speeds]) -> dict[str, tuple[float, float, float]]:
    found = {}
    for name in ("encode", "prefill", "decode"):
        pairs = [(getattr(a, name), getattr(b, name)) for a, b in zip(runs, base, strict=True)]
        ratios = [a / b for a, b in pairs if b]
        if ratios:
            found[name] = (statistics.median(ratios), min(ratios), max(ratios))
    return found


def show(title: str, rows: Sequence[Found]) -> None:
    print(f"\n| {title} | encode | prefill, tokens/s | decode, tokens/s |\n|---|---|---|---|")
    for row in rows:
        encode = f"{1 / row.speeds.encode:.2f} s" if row.speeds.encode else "–"
        cells = [encode, f"{row.speeds.prefill:.0f}", f"{row.speeds.decode:.1f}"]
        for number, name in enumerate(("encode", "prefill", "decode")):
            if name in row.ratios and row is not rows[0]:
                middle, least, most = row.ratios[name]
                cells[number] += f", {middle:.2f} ({least:.2f} to {most:.2f})"
        print(f"| {row.setting} | {' | '.join(cells)} |")


def main() -> None:
    parser = options(__doc__, rounds=5)
    add_options(parser, tokens=48)
    arguments = parser.parse_args()
    pair = pair_of(arguments)
    tables = {
        "vlm": measure(settings_of_vlm(pair), arguments.rounds),
        "llama-bench": measure(settings_of_bench(pair), arguments.rounds),
    }
    if arguments.json:
        print(json.dumps({name: [asdict(row) for row in rows] for name, rows in tables.items()}, indent=2))
        return
    for title, rows in tables.items():
        show(title, rows)
    print(
        f"\n{arguments.rounds} rounds, {pair.tokens} tokens at a depth of about {_DEPTH}, {os.cpu_count()} processors."
    )


if __name__ == "__main__":
    main()
