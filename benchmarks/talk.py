"""The tenth question of a conversation, in one process: what it takes to its first word beside reading its own tokens.

Promise: at most 60 ms. Its own tokens are the new question and what the template puts round it; the picture and the
nine questions and answers before are held, and are not read again (their number is printed).

    python benchmarks/talk.py --models FOLDER
"""

from __future__ import annotations

import json
import statistics
import sys

import build_llama
from measure import Row, cold, options, report
from pair import Pair, add_options, pair_of

TARGET_MS = 60.0
QUESTIONS = 10

SCRIPT = """
import json, sys, time
from vlmcli import Vlm

decoder, projector, picture, threads, tokens, questions = sys.argv[1:]
with Vlm(decoder, mmproj=projector, family="vicuna", threads=int(threads)) as vlm:
    talk = vlm.conversation(picture, max_tokens=int(tokens), temperature=0)
    found = []
    for number in range(int(questions)):
        started = time.perf_counter()
        reply = talk.ask(f"And what else is there, number {number}?")
        reply.advance()
        first_ms = (time.perf_counter() - started) * 1000
        record = reply.record
        found.append({
            "first_ms": first_ms, "read_ms": record.timings.prefill_ms, "prompt": record.prompt_tokens,
            "forgotten": talk.forgotten,
        })
print(json.dumps(found))
"""


def talk(pair: Pair) -> dict[str, float]:
    """The last question of one conversation."""
    command = [sys.executable, "-c", SCRIPT, str(pair.decoder), str(pair.projector), str(pair.picture)]
    run = cold([*command, str(pair.threads), str(pair.tokens), str(QUESTIONS)], **build_llama.environment(pair.llama))
    last: dict[str, float] = json.loads(run.stdout)[-1]
    return last


def main() -> None:
    parser = options(__doc__, rounds=3)
    add_options(parser, tokens=16)
    arguments = parser.parse_args()
    pair = pair_of(arguments)
    found = [talk(pair) for _ in range(arguments.rounds)]
    beside_ms = statistics.median(one["first_ms"] - one["read_ms"] for one in found)
    read_ms = statistics.median(one["read_ms"] for one in found)
    rows = [
        Row("question ten of a conversation, beside its own tokens", "ms", beside_ms, target=TARGET_MS),
        Row("reading its own tokens", "ms", read_ms),
    ]
    prompt = int(found[0]["prompt"])
    report(rows, arguments.json, [f"The whole prompt has {prompt} tokens by then; {arguments.rounds} conversations."])


if __name__ == "__main__":
    main()
