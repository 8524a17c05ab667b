"""Batches made by a second process while the first one trains: pictures with patch labels, and packed questions and
answers."""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Callable, Iterator

import numpy as np
import torch
from PIL import Image, ImageDraw

from . import questions
from .draw import FACES, GRID, LABELS, SIDE, Sample, font, font_path, label_text, render
from .tokenizer import BETWEEN, EOS, HEAD, encode_answer, encode_ask, encode_run
from .world import (
    CHARS,
    COLOUR_NAMES,
    DARK,
    LIGHT,
    Scene,
    Text,
    sample_change,
    sample_rgb,
    sample_scene,
    sample_string,
    sample_text,
)

IMAGE = -1  # stands in the ids for one row of a picture


def encoder_batch(rng: random.Random, size: int, easy: float = 0.6) -> dict:
    """Pictures and labels only, half of them full of text. easy: the share of pages in plain black capitals."""
    samples = []
    for i in range(size):
        kind = ["shapes", "text", "page", "page", "shapes", "text", "page", "both"][i % 8]
        if kind == "page":
            samples.append(page(rng, rng.random() < easy))
        else:
            samples.append(
                render(sample_scene(rng, "outside" if rng.random() < 0.03 else kind), true_size=rng.random() < 0.2)
            )
    return {"pixels": torch.from_numpy(np.stack([s.pixels for s in samples])), "labels": stack(samples)}


def stack(samples: list[Sample]) -> dict[str, torch.Tensor]:
    return {k: torch.from_numpy(np.stack([s.labels[k] for s in samples])) for k in LABELS}


def page(rng: random.Random, easy: bool) -> Sample:
    """A square full of lines of text, for learning characters: no place in a line is asked."""
    background = "white" if easy else rng.choice(["white", "white", *LIGHT, "black", *DARK])
    colour = "black" if easy else sample_text(rng, background, 0).colour
    picture = Image.new("RGB", (SIDE, SIDE), sample_rgb(rng, background))
    d, fill, face = ImageDraw.Draw(picture), sample_rgb(rng, colour), rng.choice(FACES[1:6:4] if easy else FACES)
    out = {k: np.zeros(GRID * GRID, np.int64) for k in LABELS}
    y = rng.uniform(0, 8)
    while y < SIDE - 24:
        f = font(face, rng.randint(22, 46) if rng.random() < 0.8 else rng.randint(40, 90))
        string = "".join(rng.choice(CHARS[:26]) for _ in range(8)) if easy else sample_string(rng)
        while len(string) > 1 and f.getlength(string) > SIDE - 2:
            string = string[1:]
        x, (_, top, _, bottom) = rng.uniform(0, max(0, SIDE - f.getlength(string))), f.getbbox(string)
        if y + bottom - top > SIDE:
            break
        d.text((x, y - top), string, font=f, fill=fill)
        boxes = [
            [x + f.getlength(string[:i]), y, x + f.getlength(string[: i + 1]), y + bottom - top]
            for i in range(len(string))
        ]
        scene = Scene(SIDE, SIDE, background, text=Text(string, colour, 0))
        line = {k: np.zeros_like(v) for k, v in out.items()}
        label_text(scene, boxes, line)
        for k in ("char_left", "char_right", "colour"):
            out[k] = np.where(line[k] > 0, line[k], out[k])
        y += bottom - top + rng.uniform(4, 16)
    for k in ("index_left", "index_right", "count"):
        out[k][:] = -100
    out["background"][:] = COLOUR_NAMES.index(background) + 1
    return Sample(np.asarray(picture), out)


def pack(rng: random.Random, turns: list[tuple[str, str]], pictures: int, patches: int, chain: bool):
    """Ids, targets, positions and group of each token. Turns behind the same picture(s) do not see each other and all
    begin at
    the same position, as first turns, unless chain makes them one conversation. Group 0 is what every turn sees."""
    ids = [*HEAD, *[IMAGE] * patches]
    for _ in range(pictures - 1):
        ids += [*BETWEEN, *[IMAGE] * patches]
    start = len(ids)
    targets, positions, groups = [-100] * start, list(range(start)), [0] * start
    at = start
    for n, (question, answer) in enumerate(turns):
        ask = encode_ask(question) if n == 0 or not chain else list(encode_run(f"USER: {question}\nASSISTANT:"))
        said = encode_answer(answer)
        at = at if chain else start
        ids += [*ask, *said]
        targets += [-100] * (len(ask) - 1) + said + [-100]
        positions += range(at, at + len(ask) + len(said))
        groups += [1 if chain else n + 1] * (len(ask) + len(said))
        at += len(ask) + len(said)
    return ids, targets, positions, groups


def talk_batch(rng: random.Random, size: int, turns: int = 8, pairs: float = 0.12) -> dict:
    """size pictures with their questions: all single pictures, or (a share of batches) pairs of them."""
    samples, rows = [], []
    patches = GRID * GRID
    if rng.random() < pairs:
        for _ in range(size // 2):
            a, b, what, facts = sample_change(rng)
            samples += [render(a, False), render(b, False)]
            wording = questions.roughen(rng, questions.pick_wording(rng, "compare"))
            rows.append(pack(rng, [(wording, questions.compare(what, facts))], 2, patches, False))
    else:
        for _ in range(size):
            scene = sample_scene(rng)
            samples.append(render(scene, true_size=rng.random() < 0.3))
            asked = [questions.sample_turn(rng, scene)[1:] for _ in range(turns)]
            rows.append(pack(rng, asked, 1, patches, chain=rng.random() < 0.15))
    length = max(len(r[0]) for r in rows)
    ids, targets, positions, groups = (
        torch.tensor([r[i] + [fill] * (length - len(r[i])) for r in rows]) for i, fill in enumerate((EOS, -100, 0, -1))
    )
    return {
        "pixels": torch.from_numpy(np.stack([s.pixels for s in samples])),
        "labels": stack(samples),
        "ids": ids,
        "targets": targets,
        "positions": positions,
        "groups": groups,
    }


def mixed_batch(rng: random.Random, size: int) -> dict:
    """A batch of questions, with half as many further pictures behind it for the encoder alone, so that it goes on
    learning."""
    talk, more = talk_batch(rng, size, turns=5), encoder_batch(rng, size // 2, easy=0.3)
    talk["pixels"] = torch.cat([talk["pixels"], more["pixels"]])
    talk["labels"] = {k: torch.cat([talk["labels"][k], more["labels"][k]]) for k in LABELS}
    return talk


def stream(make: Callable[[random.Random], dict], seed: int, workers: int = 1) -> Iterator[dict]:
    """make(rng) over and over, in other processes; ends with the program."""
    for face in set(FACES):
        font_path(face)
    context = multiprocessing.get_context("fork")
    queue = context.Queue(maxsize=6)

    def work(number: int) -> None:
        torch.set_num_threads(1)
        rng = random.Random(seed * 1000 + number)
        while True:
            batch = make(rng)
            queue.put(
                {
                    k: v.numpy() if isinstance(v, torch.Tensor) else {n: t.numpy() for n, t in v.items()}
                    for k, v in batch.items()
                }
            )

    for number in range(workers):
        context.Process(target=work, args=(number,), daemon=True).start()
    while True:
        batch = queue.get()
        yield {
            k: {n: torch.from_numpy(t) for n, t in v.items()} if isinstance(v, dict) else torch.from_numpy(v)
            for k, v in batch.items()
        }
