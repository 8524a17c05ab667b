"""What `vlm bench` measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measured:
    """One phase of an answer, measured once. `value` is in `unit`: s, tokens/s or bytes."""

    name: str
    """load, encode, prefill, decode, `decode x 4`, memory, …"""
    value: float
    unit: str
    tokens: int = 0
    """How many were computed for it, in all sequences together; rows of the picture for `encode`."""
    seconds: float = 0.0
    """That they took."""

    @property
    def more_is_better(self) -> bool:
        return self.unit == "tokens/s"
