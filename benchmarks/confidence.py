"""What it costs to know every token's probability: the seconds that choosing takes, with and without, in one process.

Answers with and without take turns. Only the seconds within `Sampler.choose` are compared, and put against the seconds
that a token takes in all: so small a difference would be lost among those of two whole answers. Promise: the words come
at least 0.99 times as fast. Wants a quiet machine.

    python benchmarks/confidence.py --models FOLDER
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import build_llama
from measure import Row, compare, in_turns, options, report
from pair import add_options, pair_of

TARGET = 0.99


class Blind:
    """In the place of vlmcli.engine.llama.observer.Observer: sees nothing."""

    def __init__(self, _add: Callable[[Any], None]) -> None:
        pass

    def log_probability(self, _logit: float) -> float:
        return 0.0


class Stopwatch:
    """Seconds and calls within `Sampler.choose`."""

    def __init__(self, module: Any) -> None:
        self.seconds, self.calls = 0.0, 0
        choose = module.Sampler.choose

        def timed(*arguments: Any) -> Any:
            started = time.perf_counter()
            try:
                return choose(*arguments)
            finally:
                self.seconds += time.perf_counter() - started
                self.calls += 1

        module.Sampler.choose = timed


def measured(
    model: Any, picture: Path, tokens: int, module: Any, observer: Any, watch: Stopwatch
) -> tuple[float, float]:
    """(milliseconds of choosing, milliseconds in all) a token."""
    module.Observer = observer
    watch.seconds, watch.calls = 0.0, 0
    record = model.ask(picture, "What is this?", max_tokens=tokens).record
    return 1000 * watch.seconds / watch.calls, record.timings.decode_ms / max(record.answer_tokens - 1, 1)


def rows_of(name: str, model: Any, picture: Path, tokens: int, rounds: int) -> list[Row]:
    from vlmcli.engine.llama import sampler

    seeing, watch = sampler.Observer, Stopwatch(sampler)
    runs = in_turns(
        {
            "with": lambda: measured(model, picture, tokens, sampler, seeing, watch),
            "without": lambda: measured(model, picture, tokens, sampler, Blind, watch),
        },
        rounds,
    )
    sampler.Observer = seeing
    speeds = [1000 / all_ms for _, all_ms in runs["with"]]
    blind = [
        1000 / (all_ms - chosen + without)
        for (chosen, all_ms), (without, _) in zip(runs["with"], runs["without"], strict=True)
    ]
    return [
        compare(
            f"{name}: words with their probabilities, against without", "tokens/s", speeds, blind, TARGET, at_least=True
        )
    ]


def main() -> None:
    parser = options(__doc__, rounds=8)
    add_options(parser, tokens=64)
    arguments = parser.parse_args()
    pair = pair_of(arguments)
    os.environ.update(build_llama.environment(pair.llama))
    from vlmcli import Vlm, demo

    with Vlm("demo", cache=False) as model:
        rows = rows_of("model in the box", model, demo.PICTURES / "shapes.png", arguments.tokens, arguments.rounds)
    threads = arguments.threads
    with Vlm(pair.decoder, mmproj=pair.projector, family="vicuna", threads=threads, cache=False) as model:
        rows += rows_of("1.1B, Q4_0", model, pair.picture, arguments.tokens, arguments.rounds)
    report(rows, arguments.json)


if __name__ == "__main__":
    main()
