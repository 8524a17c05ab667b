"""What a family's prompts must look like: whole conversations as its makers' own code or model card writes them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reference:
    """Four conversations: Q and R are questions, A is an answer, S a system message. BOS is left to the tokenizer.

    `picture` is what the makers write for a picture, with all that llama.cpp puts around its rows by itself.
    """

    question: str
    """A picture and Q."""
    with_system: str
    """S, a picture and Q."""
    second_turn: str
    """A picture and Q, A, R."""
    two_pictures: str = ""
    """Two pictures and Q. Empty: it was trained on one at a time."""
    picture: str = "<image>"
