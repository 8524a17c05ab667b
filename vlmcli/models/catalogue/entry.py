"""What is known of a model before anything of it is here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A model that can be had by a short name.

    No file is named: the repository's own list decides at the time of the pull. Patterns are for lists that need help.
    """

    name: str
    repo: str
    """OWNER/NAME on the Hub."""
    quant: str
    """What is pulled when nothing else is asked for, in upper case; "" where the repository has one file."""
    family: str
    """Name of the family in FAMILIES."""
    parameters: str
    """Of the whole model, as its makers say: 7B."""
    good_for: str
    size_bytes: int
    """Of the default pull, weights and projector together."""
    kv_bytes_per_token: int
    """With a KV cache of f16; an upper bound where some layers look at a window only."""
    context_tokens: int
    """The context it was trained for."""
    quants: tuple[str, ...]
    """Quantizations that its repository was seen to have, small to large: offered to a shell, never relied on."""
    licence: str = ""
    """As its repository or its makers state it; "" where nobody does."""
    size_is_recorded: bool = True
    """The size was read from the repository's list; otherwise it is estimated from models of the same build."""
    weights: str = ""
    """Pattern (as a shell's, any case) of the names of its weights, where the repository holds others beside them."""
    projector: str = ""
    """The same for its projector."""
    projector_repo: str = ""
    """OWNER/NAME where the projector is; "" for the same repository."""


def kv_bytes(layers: int, kv_heads: int, head_dim: int) -> int:
    """Bytes of KV a token: keys and values of every layer in f16. The numbers are those of the base's config.json."""
    return layers * kv_heads * head_dim * 2 * 2


def show_gigabytes(size_bytes: int) -> str:
    """`4.4 GB`, `109 MB`: as the Hub counts."""
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.0f} MB"
