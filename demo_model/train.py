"""Two stages: the encoder alone learns what covers each patch; then everything learns to answer. Resumable from its
checkpoint, or from the model in the box."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from .batches import IMAGE, encoder_batch, mixed_batch, stream
from .checkpoint import load, save
from .colours import COLOUR_NAMES
from .focus import CHANGED, CHAR, LINE, SECOND
from .labels import LABELS
from .model import Demo
from .muon import Muon
from .resume import load_box
from .texts import CHARS, SHORT
from .tokenizer import IDS, SPACE
from .world import SHAPES, SIZES

PATCH_WEIGHT, CHANGE_WEIGHT, LOOK_WEIGHT = 0.2, 0.3, 0.3


def mask_of(groups: Tensor, positions: Tensor, dtype: torch.dtype) -> Tensor:
    """A token sees earlier tokens of its own group and of group 0."""
    n = groups.shape[1]
    order = torch.arange(n)
    same = (groups[:, :, None] == groups[:, None, :]) | (groups[:, None, :] == 0)
    allowed = same & (order[None, :, None] >= order[None, None, :])
    return torch.zeros(allowed.shape, dtype=dtype).masked_fill(~allowed, -1e4)[:, None]


def read(model: Demo, x: Tensor, positions: Tensor, groups: Tensor) -> tuple[Tensor, Tensor, list]:
    return model.decode_all(x, positions, mask_of(groups, positions, torch.bfloat16))


def talk_loss(model: Demo, batch: dict, features: Tensor, read=read) -> tuple[Tensor, dict[str, float]]:
    """Of the answers, of where the decoder looks, and of what a patch of a second picture has and the first has not."""
    ids, targets, order = batch["ids"], batch["targets"], batch["order"]
    x = model.embed(ids.clamp(min=0))
    rows = model.rows(features[: len(order)]).to(x.dtype)[order].flatten(0, 2)
    x = x.masked_scatter((ids == IMAGE)[..., None], rows)
    hidden, halfway, heads = read(model, x, batch["positions"], batch["groups"])
    wanted = targets >= 0
    logits, weights = model.logits(hidden[wanted]).float(), batch["weights"][wanted].float()
    losses = F.cross_entropy(logits, targets[wanted], reduction="none")
    loss, marks = (losses * weights).sum() / weights.sum(), {}
    name = "answers" if order.shape[1] == 1 else "pairs"
    marks[f"{name}_loss"] = loss.item()
    marks[name] = whole_answers(batch, logits.argmax(-1) == targets[wanted], wanted)
    image = (ids[0] == IMAGE).nonzero()[:, 0]
    look = focus_loss(batch, heads[1], image)
    marks[f"{name}_look"] = look.item()
    loss = loss + LOOK_WEIGHT * look
    if order.shape[1] == 2:
        one, two = image.chunk(2)
        scores = heads[0][0][:, two] @ heads[0][1][:, one].transpose(1, 2)
        same = F.cross_entropy(scores.float().flatten(0, 1), torch.arange(len(one)).repeat(len(ids)))
        found = F.cross_entropy(
            model.change(halfway[:, two]).float().flatten(0, 1),
            batch["changes"].flatten(),
            weight=torch.tensor([0.2, 1, 1, 1, 0.3]),
        )
        marks |= {"changes_loss": found.item(), "same_loss": same.item()}
        loss = loss + CHANGE_WEIGHT * (found + same)
    return loss, marks


def focus_loss(batch: dict, head: tuple[Tensor, Tensor], image: Tensor) -> Tensor:
    """How little the head looks at the patches of what a token is about, of all patches that it looks at."""
    about, (q, k), pictures = batch["focus"][..., None], head, batch["order"]
    order, line, left, right = (
        batch["labels"][n][pictures].flatten(1)[:, None] for n in ("order", "line", "index_left", "index_right")
    )
    second = (torch.arange(len(image)) >= len(image) // pictures.shape[1])[None, None]
    place = (about - CHAR).clamp(min=0)
    number, index = place % SECOND // LINE, place % LINE
    there = (index > 0) & ((left == index) | (right == index)) & ((line == number) | (order == number))
    if pictures.shape[1] == 1:
        there |= (about > 0) & (about < CHANGED) & (order == about)
    else:
        changed = ((batch["changes"] >= 1) & (batch["changes"] <= 3)).repeat(1, 2)[:, None]
        there = (there & (second == (place >= SECOND))) | ((about == CHANGED) & changed)
    scores = (q @ k[:, image].transpose(1, 2)).float()
    known = there.any(-1)
    scores, there = scores[known], there[known]
    return (scores.logsumexp(-1) - scores.masked_fill(~there, -1e9).logsumexp(-1)).mean()


def whole_answers(batch: dict, right: Tensor, wanted: Tensor) -> float:
    """The share of answers of which every token is the likeliest one."""
    number = torch.arange(len(wanted))[:, None] * 64 + batch["groups"].clamp(min=0)
    asked, wrong = number[wanted].unique(), number[wanted][~right].unique()
    return 1 - len(wrong) / len(asked)


@torch.no_grad()
def seed_projector(model: Demo, features: torch.Tensor) -> None:
    """Begins stage 2 with what stage 1 knows: the projector's first layer finds the classes of the patch labels, its
    second gives each class a code (that of its word or character where there is one), and nothing to "none". Rows that
    differ this clearly are looked up by the decoder after hundreds of steps; from a random projector it takes
    thousands. There is no room for all: neither for the places in a long line nor for the maximum of a chart."""
    width, at, sizes = model.shape.width, 0, list(LABELS.values())
    words = {
        "kind": [SPACE + k for k in SHAPES],
        "colour": [SPACE + c for c in COLOUR_NAMES],
        "size": [SPACE + s for s in SIZES],
        "char_left": list(CHARS),
        "char_right": list(CHARS),
    }
    model.project1.bias.zero_()
    for name, weight, bias in zip(LABELS, model.heads.weight.split(sizes), model.heads.bias.split(sizes), strict=True):
        size = SHORT + 1 if name.startswith("index") else 0 if name == "maximum" else len(weight)
        weight, bias = (weight - weight.mean(0))[:size], (bias - bias.mean())[:size]
        winners = (features @ weight.T + bias)[..., 1:].amax(-1)
        won = winners[winners > 0]
        scale = 1 / won.quantile(0.5) if len(won) else 0.0  # a label that stage 1 did not have has no winners
        model.project1.weight[at : at + size], model.project1.bias[at : at + size] = weight * scale, bias * scale - 0.2
        for i in range(size):
            known = words.get(name)
            code = model.embed.weight[IDS[known[i - 1]]] if known and i else torch.randn(width)
            code = code / code.pow(2).mean().sqrt() * (0.25 if name.startswith("char") else 0.4)
            model.project2.weight[:, at + i] = 0 if i == 0 and name != "count" else code
        at += size
    model.project2.weight[:, at:] = torch.randn(width, width - at) * 0.02
    model.project2.bias.zero_()


def optimizers_of(model: Demo, rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for all else."""
    matrices, rest = [], []
    for name, p in model.named_parameters():
        plain = p.dim() != 2 or name.startswith(("embed", "heads", "change")) or "position" in name
        (rest if plain else matrices).append(p)
    adam = torch.optim.AdamW(rest, lr=rate, betas=(0.9, 0.98), weight_decay=0.02, fused=True)
    return [Muon([{"params": matrices}], lr=rate), adam]


def fit_heads(model: Demo, make, seed: int, steps: int = 150) -> None:
    """The heads of the patch labels alone, the encoder as it is: they are not in the box."""
    optimizer, batches = torch.optim.AdamW(model.heads.parameters(), lr=4e-3, weight_decay=0), stream(make, seed + 500)
    for step in range(steps):
        batch = next(batches)
        for g in optimizer.param_groups:
            g["lr"] = 4e-3 * (1 - step / steps)
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                features = model.encoder(batch["pixels"])
            loss, right = model.patch_loss(features, batch["labels"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("heads fitted: " + " ".join(f"{k} {v:.2f}" for k, v in right.items()), flush=True)


def begin(stage: int, checkpoint: Path, box: Path | None, pieces_of: Path | None, rate: float, make, seed: int):
    """The model, its optimizers and the pictures seen so far."""
    if checkpoint.exists():
        model, saved = load(checkpoint, pieces_of)
    elif box:
        model, saved = load_box(box), {"stage": stage, "seen": 0}
        fit_heads(model, make, seed)
    else:
        model, saved = Demo(), {"stage": stage, "seen": 0}
    if stage == 2 and saved["stage"] == 1:
        with torch.no_grad():
            seed_projector(model, model.encoder(next(stream(make, seed + 500))["pixels"]))
    optimizers = optimizers_of(model, rate)
    if "optimizers" in saved and saved["stage"] == stage:
        for optimizer, state in zip(optimizers, saved["optimizers"], strict=True):
            optimizer.load_state_dict(state)
    return model, optimizers, saved["seen"]


def rate_at(step: int, minute: float, minutes: float, cool: float) -> float:
    """The share of the rate: it warms up, stays, and falls to nothing over the last cool minutes."""
    left = max(0.0, min(1.0, (minutes - minute) / cool)) if cool else 1.0
    return min(1.0, (step + 1) / 60) * (0.5 - 0.5 * math.cos(math.pi * left))


def losses_of(model: Demo, stage: int, batch: dict, encode, read) -> tuple[Tensor, dict[str, float]]:
    with torch.autocast("cpu", torch.bfloat16):
        features = encode(batch["pixels"])
        loss, marks = model.patch_loss(features, batch["labels"])
        if stage == 2:
            answer, more = talk_loss(model, batch, features, read)
            loss, marks = answer + PATCH_WEIGHT * loss, {**more, **marks}
    return loss, marks


def train(
    stage: int,
    minutes: float,
    checkpoint: Path,
    rate: float,
    seed: int,
    size: int,
    cool: float = 0,
    box: Path | None = None,
    compiled: bool = False,
    pairs: float = 0.2,
    pieces_of: Path | None = None,
) -> Demo:
    """Trains one stage for some minutes of wall time. pairs: the share of batches that compare two pictures. pieces_of:
    see checkpoint.load."""
    torch.manual_seed(seed)
    make = partial(encoder_batch, size=size) if stage == 1 else partial(mixed_batch, size=size, pairs=pairs)
    model, optimizers, seen = begin(stage, checkpoint, box, pieces_of, rate, make, seed)
    encode, hidden = (torch.compile(model.encoder), torch.compile(read)) if compiled else (model.encoder, read)
    batches = stream(make, seed)
    start = said = stored = time.time()
    step, minute, marks = 0, 0.0, defaultdict(list)
    while minute < minutes:
        now = rate * rate_at(step, minute, minutes, cool)
        for g in (g for o in optimizers for g in o.param_groups):
            g["lr"] = now
        batch = next(batches)
        loss, found = losses_of(model, stage, batch, encode, hidden)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        step, seen = step + 1, seen + len(batch["pixels"])
        minute = (time.time() - start) / 60
        for k, v in found.items():
            if v == v:
                marks[k].append(v)
        if time.time() - said > 30:
            means = " ".join(f"{k} {sum(v) / len(v):.3f}" for k, v in marks.items())
            print(f"stage {stage} {minute:.1f} min, {seen} pictures, {step} steps, rate {now:.1e}: {means}", flush=True)
            said = time.time()
            marks.clear()
        if time.time() - stored > 180:
            save(checkpoint, model, optimizers, stage, seen)
            stored = time.time()
    save(checkpoint, model, optimizers, stage, seen)
    print(f"stage {stage} done: {seen} pictures, {step} steps in {minute:.1f} min", flush=True)
    return model
