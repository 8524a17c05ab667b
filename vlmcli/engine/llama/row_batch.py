"""A batch of rows instead of tokens: how a picture goes into the decoder, whether just encoded or from the cache."""

from __future__ import annotations

import ctypes

from vlmcli.engine.llama.bindings import llama, mtmd
from vlmcli.engine.llama.pieces import RowPiece
from vlmcli.errors import EngineError

_POSITIONS = 4  # ggml.h, GGML_MROPE_SECTIONS: time, y, x, z


class RowBatch:
    """Owns a llama_batch_ext. Positions are those of mtmd_helper_decode_image_chunk in tools/mtmd/mtmd-helper.cpp."""

    def __init__(self, context: int) -> None:
        self.pointer = llama.llama_batch_ext_init(context)

    def fill(self, piece: RowPiece, rows: bytes, width: int, position: int, slot: int, which: range) -> None:
        """Hold the rows `which` of the piece, whose first row is at `position`. `rows` must outlive the decode."""
        floats = ctypes.cast(ctypes.c_char_p(rows), ctypes.POINTER(ctypes.c_float))
        start = ctypes.addressof(floats.contents)
        size = width * ctypes.sizeof(ctypes.c_float)
        image = mtmd.mtmd_input_chunk_get_tokens_image(piece.chunk) if piece.positions_2d else None
        at = (llama.llama_pos * _POSITIONS)()
        llama.llama_batch_ext_clear(self.pointer)
        for i in which:
            row = ctypes.cast(start + i * size, ctypes.POINTER(ctypes.c_float))
            index = llama.llama_batch_ext_add_embd(self.pointer, slot, llama.llama_embd(row, 1, width))
            if index < 0:
                raise EngineError(f"The rows of a picture do not fit into a batch (error {index}).")
            at[0] = position + i
            if image:
                place = mtmd.mtmd_image_tokens_get_decoder_pos(image, position, i)
                at[0], at[1], at[2], at[3] = place.t, place.y, place.x, place.z
            llama.llama_batch_ext_set_pos(self.pointer, index, at)

    def close(self) -> None:
        pointer, self.pointer = self.pointer, None
        if pointer:
            llama.llama_batch_ext_free(pointer)
