"""What a picture will cost, told by the projector itself: with the decoder's vocabulary, and without its weights."""

from __future__ import annotations

from contextlib import ExitStack

from vlmcli.core import Detail, LoadedImage, ModelFiles, Seen, Tile
from vlmcli.engine import EngineSettings
from vlmcli.engine.detail import Budget, budget_of
from vlmcli.engine.llama import logs
from vlmcli.engine.llama.abort import Abort
from vlmcli.engine.llama.decoder import Decoder
from vlmcli.engine.llama.pieces import row_pieces, token_count
from vlmcli.engine.llama.projector import Projector
from vlmcli.engine.modes import Mode
from vlmcli.engine.pace import find_pace
from vlmcli.engine.tiling import Tiling, tiling_of
from vlmcli.gguf import Header, read_header


class LlamaLooker:
    """Owns a projector and a vocabulary. Raises VlmError where a file cannot serve."""

    def __init__(self, files: ModelFiles, settings: EngineSettings, detail: Detail) -> None:
        logs.install(settings.verbose)
        decoder_header, self._header = read_header(files.decoder), read_header(files.projector)
        self._context_tokens = decoder_header.number("{arch}.context_length")
        self._pace = find_pace(files)
        self._budget = budget_of(detail, self._header, files.family.image_min_tokens)
        abort = Abort()
        with ExitStack() as opened:
            decoder = Decoder(files.decoder, abort, Mode.PLAIN, vocabulary_only=True)
            opened.callback(decoder.close)
            self._projector = Projector(files.projector, decoder, abort, 1, budget=self._budget)
            opened.callback(self._projector.close)
            self._owned = opened.pop_all()

    def look(self, image: LoadedImage) -> Seen:
        """The picture's tiles and tokens. Raises PictureLost when nothing comes out."""
        pieces = self._projector.pieces(image)
        counts = [piece.n_tokens for piece in row_pieces(pieces)]
        tiling = _tiling(self._header, image, len(counts), self._budget)
        pace, rows = self._pace, sum(counts)
        return Seen(
            _tiles(counts, tiling),
            sum(map(token_count, pieces)),
            self._context_tokens,
            tiling.columns,
            tiling.rows,
            encode_s=pace.encoding_s(rows) if pace else None,
            prefill_s=pace.reading_s(rows) if pace else None,
            measured_at=pace.measured_at if pace else None,
            measured_tiles=pace.tiles if pace else 0,
        )

    def close(self) -> None:
        self._owned.close()


def _tiling(header: Header, image: LoadedImage, n_tiles: int, budget: Budget) -> Tiling:
    return Tiling(0) if budget.overview else tiling_of(header, image.width, image.height, n_tiles)


def _tiles(counts: list[int], tiling: Tiling) -> tuple[Tile, ...]:
    boxes = iter(tiling.boxes)
    return tuple(
        Tile(count, True) if index == tiling.overview else Tile(count, False, next(boxes, None))
        for index, count in enumerate(counts)
    )
