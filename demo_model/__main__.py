"""python -m demo_model all: trains, exports, checks and evaluates. Each step is a command of its own as well."""

from __future__ import annotations

import argparse
from pathlib import Path

BOX = Path(__file__).parents[1] / "vlmcli" / "demo"


def arguments() -> argparse.Namespace:
    p = argparse.ArgumentParser(prog="python -m demo_model", description=__doc__)
    p.add_argument("step", choices=["all", "train", "export", "check", "evaluate", "pictures"])
    p.add_argument("--checkpoint", type=Path, default=Path.home() / ".cache" / "vlm-demo-model" / "demo.pt")
    p.add_argument("--out", type=Path, default=BOX, help="where the two GGUF files go (default: the package)")
    p.add_argument(
        "--encoder-minutes", type=float, default=30, help="stage 1; 0 to go on with stage 2 of the checkpoint"
    )
    p.add_argument("--minutes", type=float, default=40, help="stage 2")
    p.add_argument("--rate", type=float, default=5e-4)
    p.add_argument(
        "--cool", type=float, default=10, help="the last minutes of stage 2, over which the rate falls to zero"
    )
    p.add_argument(
        "--from-box",
        action="store_true",
        help="train: stage 2, from the packaged pair if there is no checkpoint; check: that pair",
    )
    p.add_argument(
        "--pieces-of",
        type=Path,
        metavar="GGUF",
        help="a file with the vocabulary of a checkpoint that was written before checkpoints held their own",
    )
    p.add_argument("--compile", action="store_true", help="torch.compile: twice as fast; wants a C++ compiler")
    p.add_argument("--pairs", type=float, default=0.2, help="share of the batches of stage 2 that compare two pictures")
    p.add_argument("--seed", type=int, default=12)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--count", type=int, default=2200, help="pictures to evaluate on")
    p.add_argument("--show", type=int, default=0, help="wrong answers to print")
    p.add_argument("--through", choices=["vlm", "llama"], default="vlm")
    return p.parse_args()


def with_torch(a: argparse.Namespace) -> None:
    import torch

    from . import train
    from .check import check
    from .checkpoint import load
    from .export import export
    from .resume import load_box

    torch.set_num_threads(a.threads)
    if a.step in ("all", "train"):
        if a.encoder_minutes and not a.from_box:
            train.train(
                1, a.encoder_minutes, a.checkpoint, a.rate, a.seed, 32, compiled=a.compile, pieces_of=a.pieces_of
            )
        if a.minutes:
            box = a.out if a.from_box else None
            train.train(
                2, a.minutes, a.checkpoint, a.rate, a.seed + 1, 32, a.cool, box, a.compile, a.pairs, a.pieces_of
            )
    if a.step == "train":
        return
    model = load_box(a.out) if a.from_box and a.step == "check" else load(a.checkpoint, a.pieces_of)[0]
    if a.step in ("all", "export"):
        export(model.eval(), a.out)
    if a.step in ("all", "check"):
        check(model.eval(), a.out)


def main() -> None:
    a = arguments()
    if a.step == "pictures":
        from .pictures import draw_all

        draw_all(BOX / "pictures")
    if a.step in ("all", "train", "export", "check"):
        with_torch(a)
    if a.step in ("all", "evaluate"):
        from . import evaluate

        ask = evaluate.through_vlm() if a.through == "vlm" else evaluate.through_llama(a.out)
        evaluate.evaluate(ask, a.count, show=a.show)


if __name__ == "__main__":
    main()
