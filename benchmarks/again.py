"""A second question about a picture, each in a new process: `vlm ask` with what it kept, against `llama-mtmd-cli`.

Whole processes, from their start to the first byte of the answer; same GGUF pair, picture, threads and build of
llama.cpp, files in the disk cache, the peer in its leanest way (--no-warmup, and -c of just what is needed). Promise:
at most 0.10 of the peer's time for a picture of one tile (LLaVA-1.5), 0.05 for five tiles (LLaVA-1.6). And the first
question is slowed by less than 3 % by keeping what it computed.

    python benchmarks/again.py --models FOLDER
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count

import build_llama
from measure import Row, clean_environment, compare, in_turns, options, report, stop
from pair import QUESTION, Pair, add_options, pair_of

AGAIN = "Which colours are there?"
ONE_TILE_TARGET, FIVE_TILES_TARGET, SAVING_TARGET = 0.10, 0.05, 1.03


def first_byte_s(argv: Sequence[str], env: Mapping[str, str] | None = None) -> float:
    """Seconds from the start of a process to the first byte on its standard output that is no white space."""
    started = time.perf_counter()
    process = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env, bufsize=0
    )
    assert process.stdout is not None
    while (byte := process.stdout.read(1)).isspace():
        pass
    seconds = time.perf_counter() - started
    process.stdout.read()
    if process.wait() or not byte:
        stop(f"`{' '.join(argv)}` ended with {process.returncode}")
    return seconds


def peer(pair: Pair, context: int) -> float:
    return first_byte_s(
        [
            pair.tool("llama-mtmd-cli"), "-m", str(pair.decoder), "--mmproj", str(pair.projector),
            "--image", str(pair.picture), "-p", AGAIN, "-n", str(pair.tokens), "-t", str(pair.threads),
            "--temp", "0", "--chat-template", "vicuna", "--no-warmup", "-c", str(context),
        ]
    )  # fmt: skip


def ours(pair: Pair, question: str, env: Mapping[str, str], *more: str) -> float:
    return first_byte_s([*pair.command(question, form="text"), *more], env)


def measure(name: str, pair: Pair, context: int, target: float, rounds: int) -> list[Row]:
    """Rows of one projector: a second question against the peer, and a first one with against without keeping."""
    with clean_environment(**build_llama.environment(pair.llama)) as env:
        first = {**env, "XDG_CACHE_HOME": env["HOME"] + "/first"}

        def keeping() -> float:
            subprocess.run(["rm", "-rf", first["XDG_CACHE_HOME"]], check=True)
            return ours(pair, QUESTION, first)

        numbers = count()  # a question that was asked before would be recalled whole: only the picture is to be known
        ours(pair, QUESTION, env)
        jobs = {
            "again": lambda: ours(pair, f"{AGAIN} ({next(numbers)})", env),
            "keeping": keeping,
            "not keeping": lambda: ours(pair, QUESTION, env, "--no-cache"),
            "peer": lambda: peer(pair, context),
        }
        found = in_turns(jobs, rounds, warm_ups=0)
    return [
        compare(f"second question, {name}, to the first word", "s", found["again"], found["peer"], target),
        compare(
            f"first question, {name}, against --no-cache", "s", found["keeping"], found["not keeping"], SAVING_TARGET
        ),
    ]


def main() -> None:
    parser = options(__doc__, rounds=5)
    add_options(parser, tokens=4)
    arguments = parser.parse_args()
    one = pair_of(arguments)
    five = replace(one, projector=one.projector.with_name("mmproj-tiles.gguf"))
    rows = measure("LLaVA-1.5 shape", one, 768, ONE_TILE_TARGET, arguments.rounds)
    rows += measure("LLaVA-1.6 shape, five tiles", five, 3072, FIVE_TILES_TARGET, max(2, arguments.rounds // 2))
    report(rows, arguments.json, [f"{one.threads} threads, processors: {os.cpu_count()}"])


if __name__ == "__main__":
    main()
