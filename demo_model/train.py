"""Two stages: the encoder alone learns what covers each patch; then everything learns to answer. Resumable from its
checkpoint."""

from __future__ import annotations

import math
import time
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F

from .batches import IMAGE, encoder_batch, mixed_batch, stream, talk_batch
from .draw import LABELS
from .model import Demo, Shape
from .tokenizer import IDS, SPACE
from .world import CHARS, COLOUR_NAMES, SHAPES, SIZES


def save(path: Path, model: Demo, optimizer: torch.optim.Optimizer | None, stage: int, seen: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    torch.save(
        {"model": model.state_dict(), "optimizer": optimizer and optimizer.state_dict(), "stage": stage, "seen": seen},
        temporary,
    )
    temporary.replace(path)


def load(path: Path) -> tuple[Demo, dict]:
    saved = torch.load(path, map_location="cpu", weights_only=True)
    model = Demo(Shape())
    model.load_state_dict(saved["model"])
    return model, saved


def mask_of(groups: torch.Tensor, positions: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """A token sees earlier tokens of its own group and of group 0."""
    n = groups.shape[1]
    order = torch.arange(n)
    same = (groups[:, :, None] == groups[:, None, :]) | (groups[:, None, :] == 0)
    allowed = same & (order[None, :, None] >= order[None, None, :])
    return torch.zeros(allowed.shape, dtype=dtype).masked_fill(~allowed, -1e4)[:, None]


def talk_loss(model: Demo, batch: dict, features: torch.Tensor) -> tuple[torch.Tensor, float]:
    ids, targets = batch["ids"], batch["targets"]
    x = model.embed(ids.clamp(min=0))
    image = ids == IMAGE
    rows = model.rows(features[: int(image.sum()) // features.shape[1]]).to(x.dtype).flatten(0, 1)
    x = x.masked_scatter(image[..., None], rows)
    hidden = model.decode(x, batch["positions"], mask_of(batch["groups"], batch["positions"], torch.bfloat16))
    wanted = targets >= 0
    logits = model.logits(hidden[wanted]).float()
    return F.cross_entropy(logits, targets[wanted]), (logits.argmax(-1) == targets[wanted]).float().mean().item()


@torch.no_grad()
def seed_projector(model: Demo, features: torch.Tensor) -> None:
    """Begins stage 2 with what stage 1 knows: the projector's first layer finds the classes of the patch labels, its
    second gives each class a code (that of its word or character where there is one), and nothing to "none". Rows that
    differ this clearly are looked up by the decoder after hundreds of steps; from a random projector it takes
    thousands."""
    width, at = model.shape.width, 0
    words = {
        "kind": [SPACE + k for k in SHAPES],
        "colour": [SPACE + c for c in COLOUR_NAMES],
        "size": [SPACE + s for s in SIZES],
        "char_left": list(CHARS),
        "char_right": list(CHARS),
    }
    model.project1.bias.zero_()
    for name, size in LABELS.items():
        weight, bias = model.heads.weight[at : at + size], model.heads.bias[at : at + size]
        weight, bias = weight - weight.mean(0), bias - bias.mean()
        winners = (features @ weight.T + bias)[..., 1:].amax(-1)
        scale = 1 / winners[winners > 0].quantile(0.5)
        model.project1.weight[at : at + size], model.project1.bias[at : at + size] = weight * scale, bias * scale - 0.2
        for i in range(size):
            known = words.get(name)
            code = model.embed.weight[IDS[known[i - 1]]] if known and i else torch.randn(width)
            code = code / code.pow(2).mean().sqrt() * (0.25 if name.startswith("char") else 0.4)
            model.project2.weight[:, at + i] = 0 if i == 0 and name != "count" else code
        at += size
    model.project2.weight[:, at:] = torch.randn(width, width - at) * 0.02
    model.project2.bias.zero_()


def groups_of(model: Demo, stage: int) -> list[dict]:
    encoder = [*model.encoder.parameters(), *model.heads.parameters()]
    known = {id(p) for p in encoder}
    rest = [p for p in model.parameters() if id(p) not in known]
    return [{"params": encoder, "share": 1.0 if stage == 1 else 0.5}, {"params": rest, "share": 1.0}]


def train(
    stage: int,
    minutes: float,
    checkpoint: Path,
    rate: float,
    seed: int,
    size: int,
    patch_weight: float = 0.2,
    start: str = "auto",
    on_save=None,
) -> Demo:
    """Trains one stage for some minutes of wall time, with a rate that warms up and falls to a twentieth.
    Stage 2 leaves the encoder as it is where patch_weight is 0."""
    torch.manual_seed(seed)
    frozen = stage == 2 and patch_weight == 0
    make = partial(encoder_batch if stage == 1 else talk_batch if frozen else mixed_batch, size=size)
    batches = stream(make, seed)
    first = next(batches)
    model, saved = (
        load(checkpoint) if checkpoint.exists() else (Demo(Shape()), {"stage": stage, "seen": 0, "optimizer": None})
    )
    if stage == 2 and saved["stage"] == 1:
        with torch.no_grad():
            seed_projector(model, model.encoder(first["pixels"]))
    optimizer = torch.optim.AdamW(groups_of(model, stage), lr=rate, betas=(0.9, 0.98), weight_decay=0.02)
    if saved["optimizer"] and saved["stage"] == stage:
        shares = [g["share"] for g in optimizer.param_groups]
        optimizer.load_state_dict(saved["optimizer"])
        for g, share in zip(optimizer.param_groups, shares, strict=False):
            g["share"] = share
    seen, begin, said, stored, step = saved["seen"], time.time(), time.time(), time.time(), 0
    marks: dict[str, list[float]] = {}
    while time.time() - begin < minutes * 60:
        batch = first if step == 0 else next(batches)
        done = (time.time() - begin) / (minutes * 60)
        now = rate * min(1.0, (step + 1) / 60) * (0.05 + 0.95 * (0.5 + 0.5 * math.cos(math.pi * min(1.0, done))))
        for g in optimizer.param_groups:
            g["lr"] = now * g["share"]
        with torch.autocast("cpu", torch.bfloat16):
            with torch.set_grad_enabled(not frozen):
                features = model.encoder(batch["pixels"])
            if not frozen:
                loss, right = model.patch_loss(features, batch["labels"])
            if frozen:
                loss, words = talk_loss(model, batch, features)
                right = {"words": words}
            elif stage == 2:
                answer, words = talk_loss(model, batch, features)
                loss, right = answer + patch_weight * loss, {"answer_loss": answer.item(), "words": words, **right}
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step, seen = step + 1, seen + len(batch["pixels"])
        for k, v in {"loss": loss.item(), **right}.items():
            if v == v:
                marks.setdefault(k, []).append(v)
        if time.time() - said > 30:
            print(
                f"stage {stage} {(time.time() - begin) / 60:.1f} min, {seen} pictures, {step} steps, lr {now:.1e}: "
                + " ".join(f"{k} {sum(v) / len(v):.3f}" for k, v in marks.items()),
                flush=True,
            )
            marks, said = {}, time.time()
        if time.time() - stored > 180:
            save(checkpoint, model, optimizer, stage, seen)
            stored = time.time()
    save(checkpoint, model, optimizer, stage, seen)
    print(f"stage {stage} done: {seen} pictures, {step} steps in {(time.time() - begin) / 60:.1f} min", flush=True)
    return model
