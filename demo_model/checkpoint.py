"""Checkpoints, which may have been written with other words or other patch labels than today's."""

from __future__ import annotations

from pathlib import Path

import gguf
import torch

from .labels import LABELS
from .model import Demo
from .tokenizer import NORMAL, VOCAB

PIECES = [piece for piece, _, _ in VOCAB]
# Of the checkpoints that do not say what their labels were.
FIRST_LABELS = {k: 9 if k.startswith("index") else n for k, n in LABELS.items() if k != "bar"}


def pieces_in(path: Path) -> list[str]:
    """The pieces of a GGUF file's vocabulary, in order of id."""
    field = gguf.GGUFReader(str(path)).get_field("tokenizer.ggml.tokens")
    return [str(bytes(field.parts[i]), "utf-8") for i in field.data]


def parts_of(piece: str, known: set[str]) -> list[str]:
    """A piece cut from its left end into the longest known ones."""
    parts = []
    while piece:
        size = next((n for n in range(len(piece), 0, -1) if piece[:n] in known), 0)
        parts += [piece[:size]] if size else []
        piece = piece[max(size, 1) :]
    return parts


def embedding_of(rows: torch.Tensor, pieces: list[str]) -> torch.Tensor:
    """Rows for today's vocabulary from those of another one: a piece that it has not begins as the mean of those that
    it was spelled in."""
    if len(pieces) != len(rows):
        raise ValueError(f"{len(rows)} rows for {len(pieces)} pieces: --pieces-of names a file with their vocabulary")
    ids, mean = {piece: i for i, piece in enumerate(pieces)}, rows.mean(0)
    known, out = set(pieces), []
    for piece, _, kind in VOCAB:
        parts = [piece] if piece in known else parts_of(piece, known) if kind == NORMAL else []
        out.append(rows[[ids[p] for p in parts]].mean(0) if parts else mean)
    return torch.stack(out)


def heads_of(rows: torch.Tensor, labels: dict[str, int]) -> torch.Tensor:
    """Rows for today's patch labels from those of others, by the labels' names; nothing for classes that are new."""
    old = dict(zip(labels, rows.split(list(labels.values())), strict=True))
    out = []
    for name, size in LABELS.items():
        kept = old[name][:size] if name in old else rows[:0]
        out.append(torch.cat([kept, rows.new_zeros(size - len(kept), *rows.shape[1:])]))
    return torch.cat(out)


def save(path: Path, model: Demo, optimizers: list[torch.optim.Optimizer], stage: int, seen: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    saved = {"model": model.state_dict(), "optimizers": [o.state_dict() for o in optimizers]}
    torch.save({**saved, "stage": stage, "seen": seen, "pieces": PIECES, "labels": LABELS}, temporary)
    temporary.replace(path)


def load(path: Path, pieces_of: Path | None = None) -> tuple[Demo, dict]:
    """A checkpoint's model, and the rest of it: without the optimizers where its words or labels are other ones.
    pieces_of: a GGUF file with the vocabulary of a checkpoint that does not name its own."""
    saved = torch.load(path, map_location="cpu", weights_only=True)
    pieces = saved.get("pieces") or (pieces_in(pieces_of) if pieces_of else PIECES)
    labels, state, model = saved.get("labels", FIRST_LABELS), saved["model"], Demo()
    state["embed.weight"] = embedding_of(state["embed.weight"], pieces)
    for part in ("heads.weight", "heads.bias"):
        state[part] = heads_of(state[part], labels)
    model.load_state_dict(state)
    if (pieces, labels) != (PIECES, LABELS):
        del saved["optimizers"]
    return model, saved
