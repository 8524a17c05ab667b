"""Torch and llama.cpp must agree: the token ids, the rows of a picture, and the greedy answers (slow; wants torch)."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from . import tokenizer
from .asking import sample_turn
from .draw import draw_scene, fit_square
from .model import Demo
from .questions import WORDINGS
from .reference import Reference
from .train import mask_of
from .world import Scene, sample_scene


def torch_rows(model: Demo, picture: Image.Image) -> np.ndarray:
    with torch.no_grad():
        return model.rows(model.encoder(torch.from_numpy(np.array(fit_square(picture)))[None]))[0].numpy()


def torch_answer(model: Demo, pictures: list[Image.Image], question: str, limit: int = 120) -> str:
    with torch.no_grad():
        parts = [model.embed(torch.tensor(tokenizer.HEAD))]
        for i, picture in enumerate(pictures):
            parts += [model.embed(torch.tensor(tokenizer.BETWEEN))] if i else []
            parts += [torch.from_numpy(torch_rows(model, picture))]
        x = torch.cat([*parts, model.embed(torch.tensor(tokenizer.encode_ask(question)))])[None]
        said: list[int] = []
        while len(said) < limit:
            positions, groups = torch.arange(x.shape[1])[None], torch.zeros(1, x.shape[1], dtype=torch.long)
            best = int(
                model.logits(model.decode(x, positions, mask_of(groups, positions, torch.float32))[:, -1]).argmax()
            )
            if best == tokenizer.EOS:
                break
            said.append(best)
            x = torch.cat([x, model.embed(torch.tensor([[best]]))], 1)
    return tokenizer.decode(said).strip()


def true_picture(scene: Scene) -> Image.Image:
    return draw_scene(scene, scene.width, scene.height)[0]


def check_tokens(reference: Reference) -> None:
    rng = random.Random(5)
    runs = ["USER: ", "\n"] + [
        f"\n{w}\nASSISTANT: The a{rng.random()} Ünï \U0001f600  two" for ws in WORDINGS.values() for w in ws
    ]
    runs += ["\n" + "".join(rng.choice(" abcdefghijklmnopqrsTUVWhere.,\n") for _ in range(40)) for _ in range(200)]
    for run in runs:
        assert reference.tokenize(run) == list(tokenizer.encode_run(run)), run
    picture = Image.new("RGB", (100, 60), (200, 0, 0))
    n = 144
    ask = tokenizer.encode_ask("Where is it?")
    assert reference.token_ids("Where is it?", [picture]) == [tokenizer.HEAD, n, ask]
    assert reference.token_ids("Where is it?", [picture, picture]) == [tokenizer.HEAD, n, tokenizer.BETWEEN, n, ask]


def check(model: Demo, folder: Path, pictures: int = 40) -> None:
    reference, rng, same = Reference(folder, threads=1), random.Random(77), 0
    check_tokens(reference)
    worst = 0.0
    for _ in range(pictures):
        scene = sample_scene(rng)
        picture = true_picture(scene)
        ours, theirs = torch_rows(model, picture), reference.rows(picture)
        worst = max(worst, float(np.abs(ours - theirs).max() / np.abs(ours).max()))
        question = sample_turn(rng, scene)[1]
        a, b = torch_answer(model, [picture], question), reference.ask([picture], question)
        same += a == b
        if a != b:
            print(f"torch {a!r}\nllama {b!r}")
    print(
        f"token ids equal; rows differ by at most {worst:.4f} of the largest value;"
        f" {same} of {pictures} greedy answers equal"
    )
    assert worst < 0.02
    assert same >= 0.97 * pictures
