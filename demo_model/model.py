"""The network in torch: a CLIP-like encoder, LLaVA's two-layer projector and a small Llama, as llama.cpp computes
them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .labels import GRID, LABELS, PATCH, WHOLE
from .tokenizer import VOCAB

CHANGES = 5  # see batches.change_labels
MEAN, STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Shape:
    width: int = 256
    heads: int = 4
    vision_layers: int = 5
    vision_ffn: int = 768
    layers: int = 4
    ffn: int = 512
    context: int = 2048
    rope_base: float = 10000.0


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """Plain softmax attention (batch, heads, n, d): on a processor its backward pass is faster than the fused
    kernel's."""
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    if mask is not None:
        scores = scores + mask
    return scores.softmax(-1) @ v


def split(x: Tensor, heads: int) -> Tensor:
    return x.view(*x.shape[:2], heads, -1).transpose(1, 2)


class VisionBlock(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        self.heads = s.heads
        self.ln1, self.ln2 = nn.LayerNorm(s.width), nn.LayerNorm(s.width)
        self.qkv, self.out = nn.Linear(s.width, 3 * s.width), nn.Linear(s.width, s.width)
        self.up, self.down = nn.Linear(s.width, s.vision_ffn), nn.Linear(s.vision_ffn, s.width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (split(t, self.heads) for t in self.qkv(self.ln1(x)).chunk(3, -1))
        x = x + self.out(attend(q, k, v, None).transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.ln2(x)), approximate="tanh"))


PLACE = 64  # the last dimensions of a patch hold its place at first, the others what is in it


def wave_filters(width: int) -> Tensor:
    """First weights of the patch layer: cosine waves, finer ones in brightness than in colour, and the flat part held
    small.
    Raw patches are nearly all flat part, and learn characters much more slowly."""
    n = torch.arange(PATCH).float() + 0.5
    waves = torch.stack([torch.cos(torch.pi * k * n / PATCH) * (2 / PATCH) ** 0.5 for k in range(PATCH)])
    found = []
    for mix, most in (((1, 1, 1), 12), ((1, 0, -1), 4), ((1, -2, 1), 4)):
        tint = F.normalize(torch.tensor(mix).float(), dim=0)
        for y in range(most):
            for x in range(most):
                gain = 0.06 if x == y == 0 else 0.12 * (1 + (x * x + y * y) ** 0.5) ** 0.5
                found.append(gain * torch.einsum("c,y,x->cyx", tint, waves[y], waves[x]).flatten())
    spare = torch.randn(width - PLACE - len(found), 3 * PATCH * PATCH) * 0.01
    return torch.cat([torch.stack(found), spare, torch.zeros(PLACE, 3 * PATCH * PATCH)])


RATES = torch.linspace(0.26, 2.6, PLACE // 4)


def grid_waves(width: int) -> Tensor:
    """First position embeddings: sines and cosines of the column and of the row, in the last dimensions."""
    angles = torch.arange(GRID).float()[:, None] * RATES
    line = torch.cat([angles.sin(), angles.cos()], -1)
    place = 0.7 * torch.cat([line[None].expand(GRID, -1, -1), line[:, None].expand(-1, GRID, -1)], -1).flatten(0, 1)
    return torch.cat([torch.zeros(GRID * GRID, width - PLACE), place], -1)


def look_at(dx: int, dy: int) -> Tensor:
    """A query that finds the key dx columns and dy rows away, both made of grid_waves: a turn by the offset."""
    turn = torch.zeros(PLACE, PLACE)
    n = PLACE // 4
    for axis, step in enumerate((dx, dy)):
        at, cos, sin = axis * 2 * n, torch.diag((RATES * step).cos()), torch.diag((RATES * step).sin())
        turn[at : at + n, at : at + n], turn[at : at + n, at + n : at + 2 * n] = cos, sin
        turn[at + n : at + 2 * n, at : at + n], turn[at + n : at + 2 * n, at + n : at + 2 * n] = -sin, cos
    return turn


CROSS, CORNERS = [(-1, 0), (1, 0), (0, -1), (0, 1)], [(-1, -1), (1, -1), (-1, 1), (1, 1)]


def look_around(block: VisionBlock, offsets: list[tuple[int, int]]) -> None:
    """Starts each head of a layer at one neighbour of each patch, as a convolution would: what a patch shows is seldom
    whole."""
    width = block.qkv.in_features
    weight = block.qkv.weight[: 2 * width]
    weight.zero_()
    for head, (dx, dy) in enumerate(offsets):
        at = head * PLACE
        weight[at : at + PLACE, -PLACE:] = 1.0 * look_at(dx, dy)
        weight[width + at : width + at + PLACE, -PLACE:] = 1.0 * torch.eye(PLACE)


class Encoder(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        self.patch = nn.Linear(3 * PATCH * PATCH, s.width)
        self.position = nn.Parameter(grid_waves(s.width))
        self.pre, self.post = nn.LayerNorm(s.width), nn.LayerNorm(s.width)
        self.blocks = nn.ModuleList(VisionBlock(s) for _ in range(s.vision_layers))

    def forward(self, pixels: Tensor) -> Tensor:
        """pixels: (batch, SIDE, SIDE, 3) bytes -> (batch, patches, width)."""
        x = (pixels.float() / 255 - torch.tensor(MEAN)) / torch.tensor(STD)
        x = (
            x.view(-1, GRID, PATCH, GRID, PATCH, 3)
            .permute(0, 1, 3, 5, 2, 4)
            .reshape(-1, GRID * GRID, 3 * PATCH * PATCH)
        )
        x = self.pre(self.patch(x) + self.position)
        for block in self.blocks:
            x = block(x)
        return self.post(x)


class Block(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        self.heads = s.heads
        self.norm1, self.norm2 = nn.RMSNorm(s.width, eps=1e-5), nn.RMSNorm(s.width, eps=1e-5)
        self.qkv, self.out = nn.Linear(s.width, 3 * s.width, bias=False), nn.Linear(s.width, s.width, bias=False)
        self.gate_up, self.down = nn.Linear(s.width, 2 * s.ffn, bias=False), nn.Linear(s.ffn, s.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor) -> Tensor:
        q, k, v = (split(t, self.heads) for t in self.qkv(self.norm1(x)).chunk(3, -1))
        x = x + self.out(attend(rotate(q, cos, sin), rotate(k, cos, sin), v, mask).transpose(1, 2).flatten(2))
        gate, up = self.gate_up(self.norm2(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)

    def first_head(self, x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
        """Queries and keys of the first head (batch, n, d), to be shown where to look."""
        d, width = x.shape[-1] // self.heads, x.shape[-1]
        normed, weight = self.norm1(x), self.qkv.weight
        q, k = F.linear(normed, weight[:d]), F.linear(normed, weight[width : width + d])
        return rotate(q, cos[:, 0], sin[:, 0]) * d**-0.5, rotate(k, cos[:, 0], sin[:, 0])


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions on the two halves of a head, which is faster here; llama.cpp turns neighbouring pairs (see
    export.py)."""
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), -1)


class Demo(nn.Module):
    def __init__(self, s: Shape = Shape()):
        super().__init__()
        self.shape = s
        self.encoder = Encoder(s)
        self.project1, self.project2 = nn.Linear(s.width, s.width), nn.Linear(s.width, s.width)
        self.embed = nn.Embedding(len(VOCAB), s.width)
        self.blocks = nn.ModuleList(Block(s) for _ in range(s.layers))
        self.norm = nn.RMSNorm(s.width, eps=1e-5)
        self.heads = nn.Linear(s.width, sum(LABELS.values()))  # these two are for training only and not exported
        self.change = nn.Linear(s.width, CHANGES)
        for name, p in self.named_parameters():
            if p.dim() == 2 and "position" not in name:
                nn.init.normal_(p, std=0.02 if "embed" in name else p.shape[1] ** -0.5 * 0.7)
        with torch.no_grad():
            self.encoder.patch.weight.copy_(wave_filters(s.width))
            for block, offsets in zip(self.encoder.blocks, (CROSS, CORNERS, CROSS), strict=False):
                look_around(block, offsets)

    def rows(self, features: Tensor) -> Tensor:
        return self.project2(F.gelu(self.project1(features), approximate="tanh"))

    def patch_loss(self, features: Tensor, labels: dict[str, Tensor]) -> tuple[Tensor, dict[str, float]]:
        """Cross entropy of what covers each patch; the many patches without the thing asked for weigh a quarter."""
        total, right = features.new_zeros(()), {}
        for (name, size), logits in zip(
            LABELS.items(), self.heads(features).float().split(list(LABELS.values()), -1), strict=False
        ):
            want = labels[name].flatten()
            logits = logits.flatten(0, 1)
            weight = torch.ones(size)
            if name not in WHOLE:
                weight[0] = 0.25
            factor = {"kind": 3.0, "count": 0.3, "maximum": 0.3, "index_left": 0.5, "index_right": 0.5}.get(name, 1.0)
            total = total + factor * F.cross_entropy(logits, want, weight=weight, ignore_index=-100)
            asked = want > 0
            right[name] = (
                (logits.argmax(-1)[asked] == want[asked]).float().mean().item() if asked.any() else float("nan")
            )
        return total, right

    def decode(self, x: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """Embedded tokens and rows (batch, n, width), positions (batch, n), additive mask (batch, 1, n, n) -> hidden
        states."""
        return self.decode_all(x, positions, mask)[0]

    def decode_all(self, x: Tensor, positions: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, list]:
        """The hidden states after the last layer and halfway, and the first heads of the layers that are shown where to
        look: the first layer, in a second picture, at the same place of the first one; the third at what the answer is
        about."""
        d = self.shape.width // self.shape.heads
        rates = self.shape.rope_base ** (-torch.arange(0, d, 2).float() / d)
        angles = positions[:, None, :, None].float() * rates
        kind = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype
        cos, sin = angles.cos().to(kind), angles.sin().to(kind)
        halfway, heads = x, []
        for n, block in enumerate(self.blocks):
            if n in (0, 2):
                heads.append(block.first_head(x, cos, sin))
            x = block(x, cos, sin, mask)
            halfway = x if n == 1 else halfway
        return self.norm(x), halfway, heads

    def logits(self, hidden: Tensor) -> Tensor:
        return hidden @ self.embed.weight.T
