"""mtmd's chunks: owned, saved without their pixels, and loaded again."""

from __future__ import annotations

import ctypes

from vlmcli.core import LoadedImage
from vlmcli.engine.held import RowKey
from vlmcli.engine.llama.bindings import NULL, mtmd
from vlmcli.engine.llama.pieces import RowPiece
from vlmcli.errors import EngineError


class PictureChunks:
    """mtmd's chunks of one picture; frees them when nothing refers to a piece of it any more."""

    def __init__(self) -> None:
        self.pointer = mtmd.mtmd_input_chunks_init()

    def __del__(self) -> None:
        if self.pointer:
            mtmd.mtmd_input_chunks_free(self.pointer)
            self.pointer = None


class LoadedChunk:
    """One chunk from its saved metadata: its cost and its places are known, its pixels are not there."""

    def __init__(self, pointer: int) -> None:
        self.pointer: int | None = pointer

    def piece(self, key: RowKey, image: LoadedImage, *, whole_in_one_batch: bool, positions_2d: bool) -> RowPiece:
        return row_piece(self.pointer or 0, key, image, self, whole_in_one_batch, positions_2d, has_pixels=False)

    def __del__(self) -> None:
        if self.pointer:
            mtmd.mtmd_input_chunk_free(self.pointer)
            self.pointer = None


def row_piece(
    chunk: int,
    key: RowKey,
    image: LoadedImage,
    owner: object,
    whole_in_one_batch: bool,
    positions_2d: bool,
    has_pixels: bool,
) -> RowPiece:
    """A piece with the counts that its chunk tells."""
    tokens: int = mtmd.mtmd_input_chunk_get_n_tokens(chunk)
    positions: int = mtmd.mtmd_input_chunk_get_n_pos(chunk)
    return RowPiece(chunk, key, tokens, positions, whole_in_one_batch, positions_2d, has_pixels, image, owner)


def save_chunk(chunk: int) -> bytes:
    """A chunk's metadata. Raises EngineError when llama.cpp will not."""
    size = ctypes.c_size_t()
    mtmd.mtmd_input_chunk_save(chunk, NULL, 0, ctypes.byref(size))
    buffer = ctypes.create_string_buffer(size.value)
    if mtmd.mtmd_input_chunk_save(chunk, buffer, size.value, ctypes.byref(size)):
        raise EngineError("The layout of a picture could not be saved.")
    return buffer.raw[: size.value]


def load_chunk(saved: bytes) -> LoadedChunk | None:
    """None when this llama.cpp cannot read it."""
    pointer = mtmd.mtmd_input_chunk_load(saved, len(saved))
    return LoadedChunk(pointer) if pointer else None
