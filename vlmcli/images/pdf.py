"""Pages of a PDF as pictures, through pypdfium2, as if it were a picture of several frames.

PDFium is for one thread at a time, and pictures are decoded on several: all of it happens under one lock, closing too.
"""

from __future__ import annotations

import os
import threading
from contextlib import closing
from typing import Any

import pypdfium2
from PIL import Image, ImageFile

from vlmcli.images.formats import Locked

_DPI = 200
"""Letters of 10 points are 28 pixels high then: more than any model needs to read them, and no larger than a scan."""
_MOST_PIXELS = 40_000_000
"""A poster is drawn smaller."""
_LOCK = threading.RLock()
"""Taken again by a thread that has it when what it let go of is collected in the middle."""


class PdfPages(ImageFile.ImageFile):
    format = "PDF"
    format_description = "Portable Document Format"

    def _open(self) -> None:
        assert self.fp
        with _LOCK:
            self._document = _open_document(self.fp.read())
            self.n_frames = len(self._document)
        if not self.n_frames:
            raise ValueError("it has no pages")
        self.seek(0)

    def seek(self, frame: int) -> None:
        self._frame = frame
        with _LOCK:
            width, height = self._document.get_page_size(frame)
        self._scale = min(_DPI / 72, (_MOST_PIXELS / max(width * height, 1.0)) ** 0.5)
        self._size = max(1, round(width * self._scale)), max(1, round(height * self._scale))
        self._mode = "RGB"
        self.tile = []

    def tell(self) -> int:
        return self._frame

    def load(self) -> Any:
        if self._im is None:
            with (
                _LOCK,
                closing(self._document[self._frame]) as page,
                closing(page.render(scale=self._scale)) as bitmap,
            ):
                drawn = bitmap.to_pil().convert("RGB")
            self.im, self._size = drawn.im, drawn.size
        return super().load()

    def __del__(self) -> None:
        with _LOCK:
            if hasattr(self, "_document"):
                self._document.close()


def count_pages(path: str) -> int:
    """Of a file that is not read whole for it. Raises Locked, and anything that PDFium raises."""
    with _LOCK, closing(_open_document(os.path.abspath(path))) as document:
        return len(document)


def _open_document(source: bytes | str) -> Any:
    try:
        return pypdfium2.PdfDocument(source)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise Locked from error
        raise


Image.register_open("PDF", PdfPages)
