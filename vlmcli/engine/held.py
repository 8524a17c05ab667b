"""What a sequence still holds in its KV cache, and how much of a new prompt that spares. Pure.

A prompt is a list of keys, one for each piece that is read in at once: a tuple of token ids, or the RowKey of a
picture's tile. A piece is reused whole, so that it went through the same batch as in a fresh run and the answer is
the same to the bit; only a conversation, which goes on from its own answers, is also reused token by token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class RowKey(NamedTuple):
    """Rows of one tile: `digest` of the picture, which tile of it, and the budget under which it was made, if any."""

    digest: str
    tile: int
    budget: str = ""


Key = tuple[int, ...] | RowKey


@dataclass(frozen=True, slots=True)
class Shared:
    """The first `pieces` of a prompt, and `tokens` of the next piece, are held already, up to `position`."""

    pieces: int = 0
    tokens: int = 0
    position: int = 0


class Held:
    """The pieces of one sequence, in order, each with the position where it ends."""

    def __init__(self) -> None:
        self._pieces: list[tuple[Key, int]] = []

    @property
    def end(self) -> int:
        return self._pieces[-1][1] if self._pieces else 0

    def add(self, key: Key, end: int) -> None:
        self._pieces.append((key, end))

    def shared_with(self, prompt: Sequence[Key], word_by_word: bool) -> Shared:
        """How much of `prompt` is held. Its last token never counts: it must be read to know what follows."""
        count = 0
        while count < min(len(prompt) - 1, len(self._pieces)) and prompt[count] == self._pieces[count][0]:
            count += 1
        start = self._pieces[count - 1][1] if count else 0
        key = prompt[count] if prompt else ()
        if not word_by_word or isinstance(key, RowKey):
            return Shared(count, 0, start)
        same = common_length(key[:-1], self._tokens_from(count))
        return Shared(count, same, start + same)

    def copy_from(self, other: Held, shared: Shared) -> None:
        """Hold the shared pieces, which the other one holds, and nothing else."""
        self._pieces = other._pieces[: shared.pieces]

    def keep(self, shared: Shared) -> None:
        """Forget all but what is shared."""
        tokens = self._tokens_from(shared.pieces)[: shared.tokens]
        del self._pieces[shared.pieces :]
        if tokens:
            self.add(tuple(tokens), shared.position)

    def _tokens_from(self, index: int) -> list[int]:
        """The tokens held from piece `index` up to the next picture."""
        tokens: list[int] = []
        for key, _end in self._pieces[index:]:
            if isinstance(key, RowKey):
                break
            tokens += key
        return tokens


def common_length(a: Sequence[int], b: Sequence[int]) -> int:
    """How far two lists of tokens begin alike."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
