"""What a build costs that dies with AMX: the three ways of laying weights in memory, side by side, in one good build.

Full speed against repacked weights (what vlm takes on a build that dies in AMX's kernels), and these against weights as
they lie in the file: prefill of some 600 tokens and decode after them, as vlm reports them, in one process with the
decoder open three times. Then what vlm finds by itself, with these libraries and with the installed ones; and what
finding it costs, once.

    python benchmarks/safe_mode.py --models FOLDER
"""

from __future__ import annotations

import os
import re
import sys

import build_llama
from measure import Run, clean_environment, cold, compare, in_turns, options, report, run_process
from pair import Pair, add_options, pair_of

_TRIAL = "from vlmcli.engine import *; check_build(frozenset({'Q4_0', 'Q6_K', 'F32'}), EngineSettings())"
_WORDS = 110
"""Of the question: some 600 tokens, as many as a picture and a question cost."""


class Opened:
    """The decoder, its weights laid in memory in one way; it answers a long question about nothing."""

    def __init__(self, pair: Pair, mode: str) -> None:
        from vlmcli.engine import ENGINES, EngineSettings
        from vlmcli.engine.modes import Mode
        from vlmcli.models import resolve_model

        files = resolve_model(str(pair.decoder), pair.projector, "vicuna")
        self._engine = ENGINES["llama"](files, EngineSettings(threads=pair.threads, mode=Mode(mode)))
        self._tokens, self._asked = pair.tokens, 0

    def ask(self) -> tuple[float, float]:
        """Tokens per second of prefill and of decode."""
        from vlmcli.core import Finished, Request, Sampling, Text, Turn

        self._asked += 1  # first in the question: nothing of an earlier one is held
        question = f"{self._asked} " + " ".join(f"word{number}" for number in range(_WORDS))
        request = Request(self._asked, (Turn("user", (Text(question),)),), Sampling(max_tokens=self._tokens))
        (answer,) = (event.answer for event in self._engine.stream([request]) if isinstance(event, Finished))
        read = answer.prompt_tokens - answer.reused_tokens
        return 1000 * read / answer.timings.prefill_ms, answer.timings.tokens_per_second


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

    os.environ.update(build_llama.environment(pair.llama))  # before the bindings load them
    opened = {mode: Opened(pair, mode) for mode in ("full", "repacked", "plain")}
    speeds = in_turns({mode: one.ask for mode, one in opened.items()}, arguments.rounds)
    for name in build_llama.environment(pair.llama):
        del os.environ[name]
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
