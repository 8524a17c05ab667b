"""A prompt as the pieces that are read in one after the other: runs of tokens, and rows of pictures."""

from __future__ import annotations

from collections.abc import Sequence

from vlmcli.core import LoadedImage
from vlmcli.engine.fit import Need
from vlmcli.engine.held import Key
from vlmcli.engine.llama.decoder import Vocabulary
from vlmcli.engine.llama.projector import Projector, RowPiece, TokenPiece
from vlmcli.engine.llama.prompt import Run, tokenize_run
from vlmcli.errors import PictureLost

Piece = TokenPiece | RowPiece


def prompt_pieces(parts: Sequence[Run | LoadedImage], vocabulary: Vocabulary, projector: Projector) -> list[Piece]:
    """Pieces of tokens and of rows, in order, neighbouring tokens joined: a batch is all of one kind.

    Raises PictureLost when pictures were given and no rows came out.
    """
    pieces: list[Piece] = []
    tokens: list[int] = [vocabulary.bos] if vocabulary.adds_bos else []
    for part in parts:
        found = projector.pieces(part) if isinstance(part, LoadedImage) else _words(part, vocabulary)
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


def _words(run: Run, vocabulary: Vocabulary) -> list[TokenPiece]:
    return [TokenPiece(tuple(tokenize_run(run, vocabulary)))]


def row_pieces(pieces: Sequence[Piece]) -> list[RowPiece]:
    return [piece for piece in pieces if isinstance(piece, RowPiece)]


def key_of(piece: Piece) -> Key:
    return piece.key if isinstance(piece, RowPiece) else piece.tokens


def token_count(piece: Piece) -> int:
    return piece.n_tokens if isinstance(piece, RowPiece) else len(piece.tokens)


def need_of(pieces: Sequence[Piece], answer_tokens: int, room_tokens: int) -> Need:
    """What a prompt asks of the context; `room_tokens` more are welcome for what may follow."""
    at_once = max((piece.n_tokens for piece in row_pieces(pieces) if piece.whole_in_one_batch), default=0)
    return Need(sum(map(token_count, pieces)), answer_tokens, at_once, room_tokens)
