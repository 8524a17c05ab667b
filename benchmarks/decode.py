"""How fast words come, in the stream of `vlm ask` after a picture's 576 rows, against `llama-bench` at the same depth.

Same file, build of llama.cpp, depth and number of tokens. vlm's own number, `tokens_per_second` in its JSON, includes
sampling and text decoding; llama-bench's does not. Promises: with the same threads and flash attention at least 0.97;
with what vlm chooses by itself against llama-bench's defaults, at least 1.0.

    python benchmarks/decode.py --models FOLDER
"""

from __future__ import annotations

import json
import re

from measure import Run, cold, compare, in_turns, options, report, stop
from pair import Pair, add_options, counts_of_vlm, pair_of, record_of

SAME_TARGET, OWN_TARGET = 0.97, 1.0


def flash_attention(log: str) -> str:
    """What the decoder's context was made with, from llama.cpp's log: "on" or "off"."""
    asked = re.search(r"flash_attn\s*=\s*(\w+)", log)
    if not asked:
        stop("no flash_attn in the log of vlm --verbose: say --flash-attn")
    if asked[1] == "auto":
        return "on" if "Flash Attention enabled" in log else "off"
    return "on" if asked[1] in ("enabled", "1") else "off"


def speed_of_vlm(run: Run, pair: Pair) -> float:
    counts_of_vlm(run).check("vlm", pair.tokens)
    return float(record_of(run)["tokens_per_second"])


def speed_of_bench(pair: Pair, depth: int, *more: str) -> float:
    command = [pair.tool("llama-bench"), "-m", str(pair.decoder), "-p", "0", "-n", str(pair.tokens), "-d", str(depth)]
    run = cold([*command, "-r", "1", "-o", "json", *more])
    return float(json.loads(run.stdout)[0]["avg_ts"])


def main() -> None:
    parser = options(__doc__, rounds=7)
    add_options(parser, tokens=128)
    parser.add_argument("--flash-attn", choices=("on", "off"), help="of llama-bench (default: as in vlm's log)")
    arguments = parser.parse_args()
    pair = pair_of(arguments)

    first = pair.ask(verbose=True)
    flash = arguments.flash_attn or flash_attention(first.stderr)
    depth = counts_of_vlm(first).prompt
    runs = in_turns(
        {
            "vlm": lambda: speed_of_vlm(pair.ask(), pair),
            "llama-bench": lambda: speed_of_bench(pair, depth, "-t", str(pair.threads), "-fa", flash),
            "vlm, own settings": lambda: speed_of_vlm(pair.ask(threads=False), pair),
            "llama-bench, defaults": lambda: speed_of_bench(pair, depth),
        },
        arguments.rounds,
        warm_ups=0,
    )
    same, own = (runs["vlm"], runs["llama-bench"]), (runs["vlm, own settings"], runs["llama-bench, defaults"])
    settings = f"same settings: {pair.threads} threads, flash attention {flash}"
    rows = [
        compare(settings, "tokens/s", *same, SAME_TARGET, True),
        compare("vlm's own settings against llama-bench's defaults", "tokens/s", *own, OWN_TARGET, True),
    ]
    report(rows, arguments.json, [f"{pair.tokens} tokens at depth {depth}, {arguments.rounds} rounds."])


if __name__ == "__main__":
    main()
