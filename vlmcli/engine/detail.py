"""How closely a picture is looked at: a budget of tokens for each kind of projector. Pure: headers in, limits out.

Limits of projectors that take pictures of any size are those of llama.cpp (tools/mtmd/clip.cpp, `load_hparams`); where
`image_min_tokens` and `image_max_tokens` do nothing there, `--detail` can do nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from vlmcli.core import Detail
from vlmcli.gguf import Header

LOW_TOKENS = 256
"""The most that a picture costs at low detail, of a projector that takes any size."""
HIGH_TOKENS = 2048
"""The least at high detail, as far as the projector was trained to take so many."""

_ANY_SIZE: Mapping[str, tuple[int, int]] = {
    "qwen2vl_merger": (8, 4096),
    "qwen2.5vl_merger": (8, 4096),
    "qwen3vl_merger": (8, 4096),
    "glm4v": (8, 4096),
    "pixtral": (8, 1024),
    "kimivl": (8, 1024),
    "gemma4v": (70, 1120),
    "gemma4uv": (70, 1120),
    "hunyuanvl": (256, 16384),
}
"""Projector type -> the fewest and the most tokens of a picture, as llama.cpp has them where nobody asks."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What the projector is asked for: limits in tokens (0: its own), or the overview of a tiled picture alone.

    `name` tells apart rows of one picture that were made under different limits; "" as it is without a wish.
    """

    name: str = ""
    min_tokens: int = 0
    max_tokens: int = 0
    overview: Literal["", "first", "last"] = ""
    """Which of the pieces of a tiled picture shows all of it, and is kept alone; "" keeps all."""


USUAL = Budget()


def budget_of(detail: Detail, projector: Header, family_min_tokens: int = 0) -> Budget:
    """The budget for this projector; the one of `auto` where the wish can have no effect.

    `family_min_tokens`: below them the family's answers are poor, which low detail accepts.
    """
    usual = Budget(min_tokens=family_min_tokens)
    if detail == "auto":
        return usual
    limits = _ANY_SIZE.get(projector.projector_type)
    if limits is not None:
        fewest, most = limits
        if detail == "low":
            return Budget("low", fewest, max(min(LOW_TOKENS, most), fewest))
        return Budget("high", max(min(HIGH_TOKENS, most), family_min_tokens), most)
    if detail == "low" and _is_tiled_llava(projector):
        return Budget(min_tokens=family_min_tokens, overview="first")
    if detail == "low" and projector.projector_type == "internvl":
        return Budget(min_tokens=family_min_tokens, overview="last")
    return usual


def has_effect(detail: Detail, projector: Header) -> bool:
    """Whether `detail` changes anything with this projector."""
    return detail == "auto" or budget_of(detail, projector) != budget_of("auto", projector)


def _is_tiled_llava(projector: Header) -> bool:
    """LLaVA-1.6: an overview of the whole picture, then its tiles (mtmd_image_preprocessor_llava_uhd)."""
    return projector.is_llava and projector.has_tiles
