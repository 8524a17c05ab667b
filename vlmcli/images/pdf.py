"""Pages of a PDF as pictures, through pypdfium2, as if it were a picture of several frames.

PDFium is for one thread at a time, and pictures are decoded on several: all of it happens under one lock.
"""

from __future__ import annotations

import threading
from typing import Any

import pypdfium2
from PIL import Image, ImageFile

from vlmcli.images.formats import Locked

_DPI = 200
"""Letters of 10 points are 28 pixels high then: more than any model needs to read them, and no larger than a scan."""
_MOST_PIXELS = 40_000_000
"""A poster is drawn smaller."""
_LOCK = threading.Lock()


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
            with _LOCK:
                bitmap = self._document[self._frame].render(scale=self._scale)
                drawn = bitmap.to_pil().convert("RGB")
            self.im, self._size = drawn.im, drawn.size
        return super().load()


def count_pages(data: bytes) -> int:
    """Raises Locked, and anything that PDFium raises."""
    with _LOCK:
        return len(_open_document(data))


def _open_document(data: bytes) -> Any:
    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise Locked from error
        raise


Image.register_open("PDF", PdfPages)
