"""A prompt as the pieces that are read in one after the other: runs of tokens, and rows of pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vlmcli.core import LoadedImage
from vlmcli.engine.fit import Need
from vlmcli.engine.held import Key, RowKey
from vlmcli.engine.llama.decoder import Vocabulary
from vlmcli.engine.llama.prompt import Run, tokenize_run
from vlmcli.errors import PictureLost


@dataclass(frozen=True, slots=True)
class TokenPiece:
    """Words of the prompt, as token ids."""

    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RowPiece:
    """A picture or a tile of one, to be encoded into `n_tokens` rows that take `n_positions` positions."""

    chunk: int
    """mtmd's chunk, alive as long as `owner`. Without pixels when it comes from the cache."""
    key: RowKey
    n_tokens: int
    n_positions: int
    whole_in_one_batch: bool
    positions_2d: bool
    """M-RoPE: a row has a place in the picture, and not only in the text."""
    has_pixels: bool
    """Whether the chunk can be encoded; one from the cache cannot."""
    image: LoadedImage
    owner: object


Piece = TokenPiece | RowPiece


def prompt_pieces(
    parts: Sequence[Run | LoadedImage], vocabulary: Vocabulary, look: Callable[[LoadedImage], Sequence[Piece]]
) -> list[Piece]:
    """Pieces of tokens and of rows, in order, neighbouring tokens joined: a batch is all of one kind.

    `look` gives the pieces of a picture. Raises PictureLost when pictures were given and no rows came out.
    """
    pieces: list[Piece] = []
    tokens: list[int] = [vocabulary.bos] if vocabulary.adds_bos else []
    for part in parts:
        found = look(part) if isinstance(part, LoadedImage) else [TokenPiece(tuple(tokenize_run(part, vocabulary)))]
        for piece in found:
            if isinstance(piece, TokenPiece):
                tokens += piece.tokens
                continue
            if tokens:
                pieces.append(TokenPiece(tuple(tokens)))
                tokens = []
            pieces.append(piece)
    if tokens:
        pieces.append(TokenPiece(tuple(tokens)))
    pictures = sum(isinstance(part, LoadedImage) for part in parts)
    if pictures > len(row_pieces(pieces)):
        raise PictureLost("The prompt came out without its picture, so the model was not asked.", "Please report this.")
    return pieces


def row_pieces(pieces: Sequence[Piece]) -> list[RowPiece]:
    return [piece for piece in pieces if isinstance(piece, RowPiece)]


def key_of(piece: Piece) -> Key:
    return piece.key if isinstance(piece, RowPiece) else piece.tokens


def token_count(piece: Piece) -> int:
    return piece.n_tokens if isinstance(piece, RowPiece) else len(piece.tokens)


def position_count(piece: Piece) -> int:
    return piece.n_positions if isinstance(piece, RowPiece) else len(piece.tokens)


def need_of(pieces: Sequence[Piece], answer_tokens: int, room_tokens: int) -> Need:
    """What a prompt asks of the context; `room_tokens` more are welcome for what may follow."""
    at_once = max((piece.n_tokens for piece in row_pieces(pieces) if piece.whole_in_one_batch), default=0)
    return Need(sum(map(token_count, pieces)), answer_tokens, at_once, room_tokens)
