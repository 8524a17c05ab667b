"""Looking at pictures, and never twice at the same one: the projector behind a cache of what it gave.

What a picture costs in the prompt (its layout) and its rows are kept by the digest of its pixels, the fingerprint of
the projector and all that changes the rows. The projector itself is opened when a picture is really to be encoded.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable

from vlmcli.cache import Store, digest_of
from vlmcli.core import Detail, LoadedImage
from vlmcli.engine.detail import Budget
from vlmcli.engine.held import RowKey
from vlmcli.engine.llama.chunks import load_chunk, save_chunk
from vlmcli.engine.llama.identity import Identity
from vlmcli.engine.llama.pieces import Piece, RowPiece, TokenPiece
from vlmcli.engine.llama.projector import Projector
from vlmcli.engine.llama.saver import Saver
from vlmcli.engine.pace import Pace

_FORMAT = "rows 2"
_MOST_SAVED = 256
"""Rows of so many tiles are kept in one run: beyond that it is a folder, which would only push others out."""


class Eyes:
    """Owns the projector. `identity` tells apart whatever gives other rows or another layout.

    `budget_of`: how many tokens a picture may cost at a detail. A projector has one budget: another one opens it anew.
    """

    def __init__(
        self,
        open_projector: Callable[[Budget], Projector],
        budget_of: Callable[[Detail], Budget],
        saver: Saver | None,
        identity: Identity,
    ) -> None:
        self._open_projector, self._budget_of = open_projector, budget_of
        self._saver, self._identity = saver, identity
        self._projector: Projector | None = None
        self._saved = 0
        self._open_s = 0.0
        self.pace = Pace()

    def pieces(self, image: LoadedImage, detail: Detail = "auto") -> list[Piece]:
        """What stands in the prompt for a picture. Raises PictureLost when nothing does."""
        budget = self._budget_of(detail)
        key = digest_of(
            _FORMAT, "layout", self._identity.rows, self._identity.decoder, image.digest, budget.name, budget.overview
        )
        saved = self._store.get("rows", key) if self._store else None
        pieces = _load_layout(saved, image, budget) if saved else None
        if pieces is None:
            pieces = self._projector_for(budget).pieces(image)
            if self._saver:
                self._saver.put("rows", key, _save_layout(pieces), label=self._identity.label)
        return pieces

    def rows(self, piece: RowPiece) -> bytes | None:
        """Rows of a picture or tile: f32, n_tokens x width. None when aborted."""
        key = digest_of(_FORMAT, self._identity.rows, *piece.key)
        saved = self._store.get("rows", key) if self._store else None
        if saved is not None:
            return saved
        rows = self._encode(piece)
        if rows is not None and self._saver and self._saved < _MOST_SAVED:
            self._saved += 1
            self._saver.put("rows", key, rows, label=self._identity.label)
        return rows

    def _encode(self, piece: RowPiece) -> bytes | None:
        """Any projector that is open will do for pixels that are cut and scaled; a piece of a kept layout has none."""
        if piece.has_pixels:
            projector = self.projector
        else:
            projector = self._projector_for(self._budget_named(piece.key.budget))
            found = projector.pieces(piece.image)
            piece = next(p for p in found if isinstance(p, RowPiece) and p.key == piece.key)
        started = time.monotonic()
        rows = projector.encode(piece)
        if rows is not None:
            self.pace.encoded(piece.n_tokens, time.monotonic() - started)
        return rows

    def _budget_named(self, name: str) -> Budget:
        """A piece of an overview alone is one of the whole picture, too, which has no name."""
        details: tuple[Detail, ...] = ("auto", "low", "high")
        return next(budget for budget in map(self._budget_of, details) if budget.name == name)

    @property
    def projector(self) -> Projector:
        """The one that is open; where none is, the usual one."""
        return self._projector or self._projector_for(self._budget_of("auto"))

    def _projector_for(self, budget: Budget) -> Projector:
        if self._projector is None or self._projector.budget != budget:
            started = time.monotonic()
            self._close_projector()
            self._projector = self._open_projector(budget)
            self._open_s += time.monotonic() - started
        return self._projector

    def take_open_s(self) -> float:
        """Seconds that opening the projector took since this was asked last."""
        seconds, self._open_s = self._open_s, 0.0
        return seconds

    @property
    def _store(self) -> Store | None:
        return self._saver.store if self._saver else None

    def close(self) -> None:
        self._close_projector()

    def _close_projector(self) -> None:
        projector, self._projector = self._projector, None
        if projector:
            projector.close()


def _save_layout(pieces: list[Piece]) -> bytes:
    entries = [
        {"tokens": piece.tokens}
        if isinstance(piece, TokenPiece)
        else {
            "chunk": base64.b64encode(save_chunk(piece.chunk)).decode(),
            "tile": piece.key.tile,
            "whole": piece.whole_in_one_batch,
            "2d": piece.positions_2d,
        }
        for piece in pieces
    ]
    return json.dumps(entries).encode()


def _load_layout(saved: bytes, image: LoadedImage, budget: Budget) -> list[Piece] | None:
    """The pieces of a kept layout, None when this llama.cpp cannot read it."""
    pieces: list[Piece] = []
    for entry in json.loads(saved):
        if "tokens" in entry:
            pieces.append(TokenPiece(tuple(entry["tokens"])))
            continue
        chunk = load_chunk(base64.b64decode(entry["chunk"]))
        if chunk is None:
            return None
        key = RowKey(image.digest, entry["tile"], budget.name)
        pieces.append(chunk.piece(key, image, whole_in_one_batch=entry["whole"], positions_2d=entry["2d"]))
    return pieces
