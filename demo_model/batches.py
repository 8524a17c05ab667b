"""Batches made by a second process while the first one trains: pictures with patch labels, and packed questions and
answers."""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Callable, Iterator

import numpy as np
import torch
from PIL import Image, ImageDraw

from . import asking, questions
from .changes import CHANGES, OPPOSITE, sample_change
from .colours import COLOUR_NAMES, DARK, LIGHT, sample_rgb
from .draw import Sample, render
from .focus import focus, spans, spans_of_change
from .labels import GRID, LABELS, SIDE, label_text, no_labels
from .lettering import FACES, font, font_path, set_line
from .rough import grain
from .texts import CHARS, print_colour, sample_line
from .tokenizer import BETWEEN, EOS, HEAD, encode_answer, encode_ask, encode_run
from .world import Scene, sample_scene

IMAGE = -1  # stands in the ids for one row of a picture
PATCHES = GRID * GRID
LENGTH = 336  # tokens behind each picture or pair: room for five to twelve questions about one

ENCODER_KINDS = ["shapes", "text", "page", "chart", "page", "text", "shapes", "page", "both", "chart"]


def encoder_batch(rng: random.Random, size: int, easy: float = 0.6) -> dict:
    """Pictures and labels only, half of them full of text. easy: the share of pages in plain black capitals."""
    samples = []
    for i in range(size):
        kind = ENCODER_KINDS[i % len(ENCODER_KINDS)]
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
    """A square full of lines of text, for learning characters and their places in a line."""
    background = "white" if easy else rng.choice(["white", "white", *LIGHT, "black", *DARK])
    colour = "black" if easy else print_colour(rng, background)
    picture, out = Image.new("RGB", (SIDE, SIDE), sample_rgb(rng, background)), no_labels()
    d, fill, face = ImageDraw.Draw(picture), sample_rgb(rng, colour), rng.choice(FACES[1:6:4] if easy else FACES)
    y = rng.uniform(0, 8)
    while y < SIDE - 24:
        f = font(face, rng.randint(22 if easy else 16, 46) if rng.random() < 0.8 else rng.randint(40, 90))
        string = "".join(rng.choice(CHARS[:26]) for _ in range(8)) if easy else sample_line(rng)
        while len(string) > 1 and f.getlength(string) > SIDE - 2:
            string = string[1:].lstrip()
        x, (_, top, _, bottom) = rng.uniform(0, max(0, SIDE - f.getlength(string))), f.getbbox(string)
        if y + bottom - top > SIDE:
            break
        label_text([set_line(d, string, f, x, y - top, fill)], colour, out)
        y += bottom - top + rng.uniform(4, 16)
    for k in ("line", "count"):
        out[k][:] = -100
    out["background"][:] = COLOUR_NAMES.index(background) + 1
    if not easy and rng.random() < 0.4:
        picture = grain(picture, rng)
    return Sample(np.asarray(picture), out)


Turn = tuple[str, str, list[tuple[int, int, int]]]  # question, answer, and what its parts are about: see focus.py


def pack(turns: list[Turn], pictures: int, chain: bool = False) -> tuple[np.ndarray, ...]:
    """Ids, targets, positions, groups, weights and focus of LENGTH tokens. Turns behind the same picture(s) do not see
    each other and all begin at the same position, as first turns, unless chain makes them one conversation. Group 0 is
    what every turn sees. A token weighs less in a long answer, so that short ones are not drowned."""
    ids = [*HEAD, *[IMAGE] * PATCHES]
    for _ in range(pictures - 1):
        ids += [*BETWEEN, *[IMAGE] * PATCHES]
    start = at = len(ids)
    targets, positions, groups, weights = [-100] * start, list(range(start)), [0] * start, [0.0] * start
    about = [0] * start
    for n, (question, answer, parts) in enumerate(turns):
        ask = encode_ask(question) if n == 0 or not chain else list(encode_run(f"USER: {question}\nASSISTANT:"))
        said = encode_answer(answer)
        at, size = at if chain else start, len(ask) + len(said)
        ids += [*ask, *said]
        targets += [-100] * (len(ask) - 1) + said + [-100]
        about += [0] * (len(ask) - 1) + focus(parts, answer, said) + [0]
        weights += [len(said) ** -0.5] * size
        positions += range(at, at + size)
        groups += [1 if chain else n + 1] * size
        at += size
    columns = ((ids, EOS), (targets, -100), (positions, 0), (groups, -1), (weights, 0.0), (about, 0))
    return tuple(np.array((c + [fill] * (LENGTH - len(c)))[:LENGTH]) for c, fill in columns)


def turns_of(rng: random.Random, scene: Scene) -> list[Turn]:
    """Different questions about one scene and their answers, as many as there is room for."""
    room, misses, turns = LENGTH - len(HEAD) - PATCHES, 0, {}
    while misses < 4:
        kind, question, answer = asking.sample_turn(rng, scene)
        size = len(encode_ask(question)) + len(encode_answer(answer)) + 3
        if question in turns or size > room:
            misses += 1
        else:
            turns[question], room = (question, answer, spans(scene, kind, question, answer)), room - size
    return list(turns.values())


def pairs_of(rng: random.Random, size: int) -> tuple[list[Sample], list[tuple[int, int, str]]]:
    """size pictures, and which two of them are compared with which answer: each pair forwards and backwards, or one
    with itself."""
    samples, compared = [], []
    for n in range(0, size, 2):
        a, b, what, facts = sample_change(rng, (*CHANGES, "background", "background"))
        samples += [render(a, False), render(b, False)]
        if what == "nothing":
            b, what, facts = a, "nothing", ()
        back, opposite = tuple(reversed(facts)), OPPOSITE.get(what, what)
        compared.append((n, n + 1, questions.compare(what, facts)))
        compared.append((n + 1, n, questions.compare(opposite, back)))
    return samples, compared


def change_labels(a: Sample, b: Sample) -> np.ndarray:
    """What is new in each patch of the second picture: 0 nothing, 1 a shape or character, 2 none where one was, 3
    another one, 4 the background."""
    one, two = a.labels, b.labels
    other = np.any([one[k] != two[k] for k in ("kind", "colour", "size", "char_left", "char_right")], 0)
    before, after = (np.any([x[k] > 0 for k in ("kind", "char_left", "char_right")], 0) for x in (one, two))
    found = np.where(other, np.where(~after, 2, np.where(~before, 1, 3)), 0)
    return np.where((found == 0) & (one["background"] != two["background"]), 4, found)


def talk_batch(rng: random.Random, size: int, pairs: float = 0.2) -> dict:
    """size pictures with their questions: all single pictures, or (a share of batches) pairs of them. Every batch has
    the same shapes, which a compiled network wants."""
    rows, changes = [], np.full((size, PATCHES), -100)
    if rng.random() < pairs:
        samples, compared = pairs_of(rng, size)
        for n, (one, two, answer) in enumerate(compared):
            wording = asking.roughen(rng, asking.pick_wording(rng, "compare"))
            rows.append(pack([(wording, answer, spans_of_change(answer))], 2))
            changes[n] = change_labels(samples[one], samples[two])
        order = np.array([(one, two) for one, two, _ in compared])
    else:
        scenes = [sample_scene(rng) for _ in range(size)]
        samples = [render(scene, true_size=rng.random() < 0.15) for scene in scenes]
        rows = [pack(turns_of(rng, scene), 1, chain=rng.random() < 0.12) for scene in scenes]
        order = np.arange(size)[:, None]
    names = ("ids", "targets", "positions", "groups", "weights", "focus")
    batch = {k: torch.from_numpy(np.stack(v)) for k, v in zip(names, zip(*rows, strict=True), strict=True)}
    batch |= {"pixels": torch.from_numpy(np.stack([s.pixels for s in samples])), "labels": stack(samples)}
    return batch | {"order": torch.from_numpy(order), "changes": torch.from_numpy(changes)}


def mixed_batch(rng: random.Random, size: int, pairs: float = 0.2) -> dict:
    """A batch of questions, with half as many further pictures behind it for the encoder alone, so that it goes on
    learning."""
    talk, more = talk_batch(rng, size, pairs), encoder_batch(rng, size // 2, easy=0.1)
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
