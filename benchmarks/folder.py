"""A folder of pictures: `vlm describe FOLDER -r -o FILE` against a loop of `llama-mtmd-cli` and against `llama-server`.

Same GGUF pair, pictures, threads, tokens in each answer, greedy sampling and build of llama.cpp. vlm is a cold process
with empty caches and its own settings, its loading included; the server's starting and warming up is not counted, its
prompts are not cached, and it is driven by more clients than it has slots. Promises, in pictures per minute: with 64
tokens each at least 1.5 times the loop and 1.25 times the server at its best -np; with 256 tokens 1.9 and 1.4 times.

    python benchmarks/folder.py --models FOLDER                        # an hour
    python benchmarks/folder.py --models FOLDER --tokens 256 --slots 8 --rounds 1
"""

from __future__ import annotations

import json
import resource
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import build_llama
from ask import mtmd_cli
from measure import Row, clean_environment, compare, in_turns, options, report, run_process, stop, vlm
from pair import IMAGE_TOKENS, QUESTION, Pair, add_options, draw_pictures, pair_of
from server import serving

TARGETS = {64: (1.5, 1.25), 256: (1.9, 1.4)}
_TEXT_TOKENS = 128
"""More than the words of any program's prompt."""


def ours(pair: Pair, pictures: list[Path], *more: str) -> tuple[float, float]:
    """Pictures per minute of a whole process; and what its encoding and prefill alone would allow."""
    with clean_environment(**build_llama.environment(pair.llama)) as env:
        out = Path(env["HOME"]) / "out.jsonl"
        run = run_process(
            vlm(
                "describe", *map(str, pictures), "--prompt", QUESTION, "--model", str(pair.decoder),
                "--mmproj", str(pair.projector), "--family", "vicuna", "--max-tokens", str(pair.tokens),
                "--threads", str(pair.threads), "-o", str(out), *more,
            ),
            env,
        )  # fmt: skip
        records = [json.loads(line) for line in out.read_text().splitlines()]
    if len(records) != len(pictures):
        stop(f"vlm answered {len(records)} of {len(pictures)} pictures")
    for record in records:
        if (record["tokens"]["image"], record["tokens"]["answer"]) != (IMAGE_TOKENS, pair.tokens):
            stop(f"vlm is not comparable: {record['tokens']}")
    reading_s = statistics.mean(r["timings_ms"]["encode"] + r["timings_ms"]["prefill"] for r in records) / 1000
    return 60 * len(pictures) / run.wall_s, 60 / reading_s


def loop(pair: Pair, pictures: list[Path]) -> float:
    """Pictures per minute of one process after the other."""
    return 60 * len(pictures) / sum(mtmd_cli(pair.about(picture)).wall_s for picture in pictures)


def server(pair: Pair, pictures: list[Path], slots: int) -> float:
    with serving(pair, slots, IMAGE_TOKENS + _TEXT_TOKENS + pair.tokens) as up:
        return 60 * len(pictures) / up.answer_all(pictures)


@dataclass(frozen=True, slots=True)
class Speed:
    """`cpu_s`: processor seconds for each picture, all of the programs' own; a busy machine changes it least."""

    per_minute: float
    cpu_s: float
    limit_per_minute: float = 0.0


def measured(job: Callable[[list[Path]], tuple[float, float] | float], pictures: list[Path]) -> Speed:
    def children_s() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before = children_s()
    found = job(pictures)
    per_minute, limit = found if isinstance(found, tuple) else (found, 0.0)
    return Speed(per_minute, (children_s() - before) / len(pictures), limit)


def rows_of(runs: dict[str, list[Speed]], tokens: int) -> list[Row]:
    """`runs["vlm"]` against each of the others; the promise about the server is for the best of them."""
    peers = {name: found for name, found in runs.items() if name != "vlm"}
    best = max(
        peers.keys() - {"loop"}, key=lambda name: statistics.median(s.per_minute for s in peers[name]), default=""
    )
    loop_target, server_target = TARGETS.get(tokens, (None, None))
    speed, cpu = ([getattr(s, field) for s in runs["vlm"]] for field in ("per_minute", "cpu_s"))
    rows = []
    for name, found in peers.items():
        target = loop_target if name == "loop" else server_target if name == best else None
        peer = "a loop of `llama-mtmd-cli`" if name == "loop" else f"`llama-server {name}`"
        per_minute = [s.per_minute for s in found]
        rows.append(compare(f"{tokens} tokens, against {peer}", "/min", speed, per_minute, target, True))
        rows.append(compare(f"processor time of a picture, against {peer}", "s", cpu, [s.cpu_s for s in found]))
    limit = [s.limit_per_minute for s in runs["vlm"]]
    return [*rows, compare("against its own encoding and prefill alone", "/min", speed, limit)]


def main() -> None:
    parser = options(__doc__, rounds=3)
    add_options(parser, tokens=64)
    parser.add_argument("--pictures", type=int, default=32, help="how many (default: %(default)s)")
    parser.add_argument(
        "--loop", type=int, default=8, help="of them for llama-mtmd-cli, which takes them singly (default: %(default)s)"
    )
    parser.add_argument(
        "--slots", type=int, nargs="*", default=[1, 2, 4, 8, 16], help="of llama-server -np (default: %(default)s)"
    )
    parser.add_argument("--parallel", type=int, help="of vlm (default: its own choice)")
    arguments = parser.parse_args()
    pair = pair_of(arguments)
    pictures = draw_pictures(arguments.models, arguments.pictures)
    more = ("--parallel", str(arguments.parallel)) if arguments.parallel else ()

    jobs = {"vlm": partial(measured, lambda each: ours(pair, each, *more), pictures)}
    if arguments.loop:
        jobs["loop"] = partial(measured, partial(loop, pair), pictures[: arguments.loop])
    for slots in arguments.slots:
        jobs[f"-np {slots}"] = partial(measured, partial(server, pair, slots=slots), pictures)
    runs = in_turns(jobs, arguments.rounds, warm_ups=0)
    notes = [f"{len(pictures)} pictures, {pair.threads} threads, {arguments.rounds} rounds."]
    report(rows_of(runs, pair.tokens), arguments.json, notes)


if __name__ == "__main__":
    main()
