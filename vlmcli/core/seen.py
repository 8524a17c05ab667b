"""What a model sees of a picture, known before it looks."""

from __future__ import annotations

from dataclasses import dataclass

from vlmcli.core.pictures import Region


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture as the encoder gets it: all of it (`overview`), or a part. `box` is None where that is not known."""

    tokens: int
    overview: bool
    box: Region | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """`tokens`: of the tiles and of the marks between them. Estimates are None until this model was measured here."""

    tiles: tuple[Tile, ...]
    tokens: int
    context_tokens: int
    """What the model was trained for; 0: its file does not say."""
    columns: int = 0
    rows: int = 0
    """Of the tiles beside the overview; 0 where there are none, or their order is not known."""
    encode_s: float | None = None
    prefill_s: float | None = None
    measured_at: float | None = None
    """When the speeds were measured, in seconds since 1970, and on how many tiles."""
    measured_tiles: int = 0
