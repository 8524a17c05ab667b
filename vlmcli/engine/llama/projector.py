"""The model's eyes: a picture cut and scaled as the projector wants it, and encoded into rows."""

from __future__ import annotations

import ctypes
from pathlib import Path

from vlmcli.core import LoadedImage
from vlmcli.engine.detail import USUAL, Budget
from vlmcli.engine.held import RowKey
from vlmcli.engine.llama import logs
from vlmcli.engine.llama.abort import Abort
from vlmcli.engine.llama.bindings import mtmd
from vlmcli.engine.llama.chunks import PictureChunks, row_piece
from vlmcli.engine.llama.decoder import Decoder
from vlmcli.engine.llama.pieces import Piece, RowPiece, TokenPiece
from vlmcli.engine.llama.placing import ON_PROCESSOR, Placing
from vlmcli.errors import DoesNotFit, EngineError, ModelDamaged, ModelMismatch, PictureLost

_MARKER = b"<__media__>"


class Projector:
    """An open projector. Raises ModelDamaged or ModelMismatch when it cannot serve this decoder.

    DoesNotFit when there is no room for it.

    `budget`: where the projector takes any size, pictures of fewer tokens are scaled up, and of more down.
    """

    def __init__(
        self,
        path: Path,
        decoder: Decoder,
        abort: Abort,
        threads: int,
        placing: Placing = ON_PROCESSOR,
        *,
        budget: Budget = USUAL,
    ) -> None:
        self.budget = budget
        params = mtmd.mtmd_context_params_default()
        placing.set_projector(params)
        params.warmup = False
        params.print_timings = False
        params.n_threads = threads
        params.media_marker = _MARKER
        if budget.min_tokens:
            params.image_min_tokens = budget.min_tokens
        if budget.max_tokens:
            params.image_max_tokens = budget.max_tokens
        params.cb_eval = abort.on_encode
        params.progress_callback = abort.on_load_projector
        self._abort, self._keep = abort, params  # C holds pointers into params
        logs.forget()
        self.pointer = mtmd.mtmd_init_from_file(str(path).encode(), decoder.pointer, params)
        if not self.pointer:
            raise self._cannot_open(path)
        if not mtmd.mtmd_support_vision(self.pointer):
            self.close()
            raise ModelMismatch(f"{path} has no vision part, so it cannot look at pictures.", "Name another --mmproj.")
        self._width = decoder.width

    def _cannot_open(self, path: Path) -> BaseException:
        if self._abort.interrupted:
            return KeyboardInterrupt()
        reason = logs.reason() or "it gives no reason"
        if logs.wants_memory():
            return DoesNotFit(f"The projector could not be loaded: {reason}.", "A smaller model: vlm models")
        if "mismatch" in reason:
            return ModelMismatch(
                f"{path} is not the projector of this model: {reason}.", "Take both files from the same repository."
            )
        return ModelDamaged(f"llama.cpp cannot load the projector {path}: {reason}.", "Download the file again.")

    def pieces(self, image: LoadedImage) -> list[Piece]:
        """What stands in the prompt for a picture. Its cost in tokens is known from here, before any encoding.

        Raises PictureLost when not a single row comes out.
        """
        chunks = PictureChunks()
        pixels = ctypes.cast(ctypes.c_char_p(image.rgb), ctypes.POINTER(ctypes.c_uint8))
        bitmap = mtmd.mtmd_bitmap_init(image.width, image.height, pixels)  # copies the pixels
        try:
            text = mtmd.mtmd_input_text(_MARKER, len(_MARKER), False, True)
            bitmaps = (ctypes.c_void_p * 1)(bitmap)
            logs.forget()
            failed = mtmd.mtmd_tokenize(self.pointer, chunks.pointer, ctypes.byref(text), bitmaps, 1)
        finally:
            mtmd.mtmd_bitmap_free(bitmap)
        count = mtmd.mtmd_input_chunks_size(chunks.pointer)
        pieces = [self._piece(chunks, index, image) for index in range(count)]
        if failed or not any(isinstance(piece, RowPiece) and piece.n_tokens > 0 for piece in pieces):
            reason = logs.reason()
            raise PictureLost(
                f"The projector made nothing of {image.name} ({image.width}x{image.height})"
                f"{f': {reason}' if reason else ''}.",
                "Try the picture with another size or another model.",
            )
        return only_overview(pieces, self.budget)

    def _piece(self, chunks: PictureChunks, index: int, image: LoadedImage) -> Piece:
        chunk = mtmd.mtmd_input_chunks_get(chunks.pointer, index)
        if mtmd.mtmd_input_chunk_get_type(chunk) == mtmd.MTMD_INPUT_CHUNK_TYPE_TEXT:
            n = ctypes.c_size_t()
            tokens = mtmd.mtmd_input_chunk_get_tokens_text(chunk, ctypes.byref(n))
            return TokenPiece(tuple(tokens[: n.value]))
        return row_piece(
            chunk,
            RowKey(image.digest, index, self.budget.name),
            image,
            chunks,
            bool(mtmd.mtmd_decode_use_non_causal(self.pointer, chunk)),
            bool(mtmd.mtmd_decode_use_mrope(self.pointer)),
            has_pixels=True,
        )

    def encode(self, piece: RowPiece) -> bytes | None:
        """The rows of a piece: f32, n_tokens x width, as the machine orders bytes. None when aborted.

        Raises EngineError when llama.cpp fails.
        """
        logs.forget()
        failed = mtmd.mtmd_encode_chunk(self.pointer, piece.chunk)
        if self._abort.stop_now:
            return None
        rows = mtmd.mtmd_get_output_embd(self.pointer)
        if failed or not rows:
            raise EngineError(f"The picture could not be encoded: {logs.reason() or f'error {failed}'}.")
        return ctypes.string_at(rows, piece.n_tokens * self._width * ctypes.sizeof(ctypes.c_float))

    def close(self) -> None:
        pointer, self.pointer = self.pointer, None
        if pointer:
            mtmd.mtmd_free(pointer)


def only_overview(pieces: list[Piece], budget: Budget) -> list[Piece]:
    """The pieces of a tiled picture without its tiles, where the budget wants the overview alone."""
    rows = [index for index, piece in enumerate(pieces) if isinstance(piece, RowPiece)]
    if not budget.overview:
        return pieces
    kept = rows[0] if budget.overview == "first" else rows[-1]
    return [piece for index, piece in enumerate(pieces) if index == kept or index not in rows]
