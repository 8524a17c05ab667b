"""A quick look at a picture of five tiles (LLaVA-1.6): `--detail low` against `--detail auto`, to the first word.

Whole processes that keep nothing, same files, picture and threads. The overview is one tile of the five, and its rows a
fifth of those that are read: promise, at most 0.30 of the time, loading included.

    python benchmarks/detail.py --models FOLDER
"""

from __future__ import annotations

import os
from dataclasses import replace

import build_llama
from again import first_byte_s
from measure import clean_environment, compare, in_turns, options, report
from pair import QUESTION, add_options, pair_of

TARGET = 0.30


def main() -> None:
    parser = options(__doc__, rounds=3)
    add_options(parser, tokens=4)
    arguments = parser.parse_args()
    one = pair_of(arguments)
    pair = replace(one, projector=one.projector.with_name("mmproj-tiles.gguf"))
    with clean_environment(**build_llama.environment(pair.llama)) as env:

        def look(detail: str) -> float:
            command = [*pair.command(QUESTION, form="text"), "--no-cache", "--detail", detail]
            return first_byte_s(command, env)

        found = in_turns({"low": lambda: look("low"), "auto": lambda: look("auto")}, arguments.rounds, warm_ups=0)
    row = compare("five tiles at low detail, to the first word", "s", found["low"], found["auto"], TARGET)
    report([row], arguments.json, [f"{pair.threads} threads, processors: {os.cpu_count()}"])


if __name__ == "__main__":
    main()
