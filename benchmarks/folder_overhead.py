"""What a folder job costs beside the engine: python benchmarks/folder_overhead.py [PICTURES]

The same pictures are answered three times: by the engine; with every answer recalled, which leaves planning, reading
and decoding a small PNG, digests, the engine's process, ledger and progress; and with nothing to do, which leaves the
plan. Start-up, measured on one picture, is taken off. Prints milliseconds a picture; the promise is under 2 for the
second.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
PROMISE_MS = 2.0
ROUNDS = 3


def run_s(folder: Path, output: str) -> float:
    """Seconds of one job over `folder/pictures`."""
    options = ["-r", "--model", "demo", "--max-tokens", "1", "--quiet", "-o", output]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "VLM_CACHE": "on", "VLM_CACHE_DIR": str(folder / "cache")}
    began = time.monotonic()
    command = [sys.executable, "-m", "vlmcli", "describe", "pictures", *options]
    subprocess.run(command, check=True, cwd=folder, env=environment)
    return time.monotonic() - began


def best_s(folder: Path, outputs: list[str]) -> float:
    return min(run_s(folder, output) for output in outputs)


def main(pictures: int) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pictures").mkdir()
        Image.new("RGB", (64, 64)).save(folder / "pictures/0.png")
        run_s(folder, "first.jsonl")
        start_s = best_s(folder, [f"start{n}.jsonl" for n in range(ROUNDS)])
        for n in range(1, pictures):
            Image.new("RGB", (64, 64), (n % 256, n // 256, 1)).save(folder / f"pictures/{n}.png")
        engine_s = run_s(folder, "engine.jsonl")
        recalled_s = best_s(folder, [f"recalled{n}.jsonl" for n in range(ROUNDS)])
        skipped_s = best_s(folder, ["engine.jsonl"] * ROUNDS)
    ms = {
        "answered": 1000 * (engine_s - start_s) / pictures,
        "recalled": 1000 * (recalled_s - start_s) / pictures,
        "done before": 1000 * (skipped_s - start_s) / pictures,
    }
    for kind, each in ms.items():
        print(f"{kind:<12} {max(each, 0):8.2f} ms a picture")
    return 0 if ms["recalled"] < PROMISE_MS else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 600))
