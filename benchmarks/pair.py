"""What ask.py and decode.py share: one GGUF pair, picture and question, and one build of llama.cpp for all programs."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import build_llama
from measure import Run, cold, stop, vlm

QUESTION = "What is in this picture?"
IMAGE_TOKENS = 576
"""What every picture costs with LLaVA-1.5's projector."""


@dataclass(frozen=True, slots=True)
class Pair:
    decoder: Path
    projector: Path
    picture: Path
    llama: Path
    """The folder with llama.cpp's programs and shared libraries."""
    threads: int
    tokens: int

    def tool(self, name: str) -> str:
        path = self.llama / name
        return str(path) if path.exists() else stop(f"no {path}: build it with build_llama.py, or say --llama")

    def about(self, picture: Path) -> Pair:
        """The same with another picture."""
        return replace(self, picture=picture)

    def ask(self, threads: bool = True, verbose: bool = False) -> Run:
        """`vlm ask` in a process of its own, with empty caches; `threads` False leaves their number to vlm."""
        return cold(self.command(threads=threads, verbose=verbose), **build_llama.environment(self.llama))

    def command(
        self, question: str = QUESTION, threads: bool = True, verbose: bool = False, form: str = "json"
    ) -> list[str]:
        """The command line of `vlm ask` with this pair and picture."""
        more = ["--threads", str(self.threads)] if threads else []
        more += ["--verbose"] if verbose else []
        return vlm(
            "ask", str(self.picture), question, "--model", str(self.decoder), "--mmproj", str(self.projector),
            "--family", "vicuna", "--temperature", "0", "--max-tokens", str(self.tokens), "--format", form, *more,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Counts:
    """How many tokens went through a program."""

    prompt: int
    image: int
    answer: int

    def check(self, who: str, tokens: int) -> None:
        if (self.image, self.answer) != (IMAGE_TOKENS, tokens):
            stop(
                f"{who} is not comparable: {self}, where {IMAGE_TOKENS} and {tokens} are for the picture and the answer"
            )


def record_of(run: Run) -> dict[str, Any]:
    """What `vlm --format json` said about the one answer."""
    record: dict[str, Any] = json.loads(run.stdout)
    return record


def counts_of_vlm(run: Run) -> Counts:
    tokens = record_of(run)["tokens"]
    return Counts(tokens["prompt"], tokens["image"], tokens["answer"])


def draw_picture(path: Path) -> Path:
    """A PNG, which vlm and llama.cpp's tools decode to the same pixels. What is on it makes no difference."""
    if not path.exists():
        from PIL import Image

        Image.effect_mandelbrot((640, 480), (-2, -1.5, 1, 1.5), 100).convert("RGB").save(path)
    return path


def draw_pictures(folder: Path, count: int) -> list[Path]:
    """Distinct PNGs: one picture, each time moved a little further round."""
    from PIL import Image, ImageChops

    whole = draw_picture(folder / "picture.png")
    paths = [folder / f"picture-{number:03}.png" for number in range(count)]
    for number, path in enumerate(paths):
        if not path.exists():
            ImageChops.offset(Image.open(whole), 7 * number + 1, 0).save(path)
    return paths


def add_options(parser: argparse.ArgumentParser, tokens: int) -> None:
    parser.add_argument("--models", type=Path, required=True, help="folder that random_models.py wrote")
    parser.add_argument("--llama", type=Path, help="folder of llama.cpp's programs (default: what build_llama.py made)")
    parser.add_argument("--threads", type=int, default=2, help="of every program (default: %(default)s)")
    parser.add_argument("--tokens", type=int, default=tokens, help="in every answer (default: %(default)s)")


def pair_of(arguments: argparse.Namespace) -> Pair:
    folder: Path = arguments.models.resolve()
    llama = (arguments.llama or build_llama.default_folder() / "build" / "bin").resolve()
    picture = draw_picture(folder / "picture.png")
    return Pair(folder / "decoder.gguf", folder / "mmproj.gguf", picture, llama, arguments.threads, arguments.tokens)
