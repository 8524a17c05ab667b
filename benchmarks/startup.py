"""How long `vlm --help` and `vlm --version` take, against `hf --help` and `llm --help` with the same interpreter.

Promise: at most half of either. Whole processes, in turns, the disk cache warm, the update check of `hf` off.

    pip install llm && python benchmarks/startup.py
"""

from __future__ import annotations

from functools import partial

from measure import clean_environment, compare, in_turns, options, program, report, run_process, vlm

PEERS = ("hf", "llm")
TARGET = 0.5


def main() -> None:
    arguments = options(__doc__, rounds=20).parse_args()
    commands = {"vlm --help": vlm("--help"), "vlm --version": vlm("--version")}
    ours = list(commands)
    notes = []
    for name in PEERS:
        if path := program(name):
            commands[f"{name} --help"] = [path, "--help"]
        else:
            notes.append(f"`{name}` is not installed beside this interpreter, so it was skipped.")
    with clean_environment() as env:
        runs = in_turns({name: partial(run_process, argv, env) for name, argv in commands.items()}, arguments.rounds)
    wall_ms = {name: [1000 * run.wall_s for run in of_one] for name, of_one in runs.items()}
    rows = [
        compare(f"`{a}` against `{b}`", "ms", wall_ms[a], wall_ms[b], TARGET)
        for a in ours
        for b in list(commands)[len(ours) :]
    ]
    report(rows, arguments.json, notes)


if __name__ == "__main__":
    main()
