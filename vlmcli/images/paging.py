"""Documents of several pages: each page a picture of its own, named `scan.tif#page=3`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from vlmcli.errors import PictureError, UsageError
from vlmcli.images.expanding import Named
from vlmcli.images.sources.promise import FailedRef
from vlmcli.images.words import printable

_TIFF, _PDF = frozenset({".tif", ".tiff"}), ".pdf"
ALL = "all"
_RANGE = re.compile(r"([1-9]\d{0,6})?(-)?([1-9]\d{0,6})?\Z")

Ranges = tuple[tuple[int, int | None], ...]
"""First and last page, both among them; None: up to the end."""


def parse_pages(words: str) -> Ranges:
    """`1-3,7,9-` as ranges; `all` as one. Raises UsageError."""
    if words == ALL:
        return ((1, None),)
    found = []
    for part in words.split(","):
        match = _RANGE.match(part.strip())
        first, dash, last = match.groups() if match else (None, None, None)
        if (first is None and last is None) or (first and last and int(first) > int(last)):
            raise UsageError(f"--pages is {words!r}; it is numbers and ranges of pages.", "--pages 1-3,7")
        found.append((int(first or 1), (int(last) if last else None) if dash else int(first or 1)))
    return tuple(found)


def is_document(name: str) -> bool:
    """Whether a file of this name may have several pages, and can be read here."""
    extension = os.path.splitext(name)[1].lower()
    return extension in _TIFF or (extension == _PDF and find_spec("pypdfium2") is not None)


def is_pdf_name(name: str) -> bool:
    return os.path.splitext(name)[1].lower() == _PDF and is_document(name)


def pages_of(named: Named, ranges: Ranges) -> Iterator[Named]:
    """A document's wished pages, each by its name; anything else, and a document of one page, as it is."""
    name, relative = named
    if not isinstance(name, str) or not is_document(name) or not os.path.isfile(name):
        yield named
        return
    count = count_pages(name)
    numbers = _wished(ranges, count)
    if not numbers:
        wanted = ", ".join(str(first) for first, _ in ranges)
        has = "one page" if count == 1 else f"{count:,} pages"
        error = PictureError(
            f"{printable(name)} has {has}, and no page {wanted}.", f"Take some up to {count}: --pages 1"
        )
        yield Named(FailedRef(name, "file", Path(name), error=error), relative)
    elif count == 1:
        yield named
    else:
        yield from (Named(f"{name}#page={number}", f"{relative}#page={number}") for number in numbers)


def _wished(ranges: Ranges, count: int) -> list[int]:
    """The numbers in the order in which they were wished, each once."""
    numbers = (n for first, last in ranges for n in range(first, min(last or count, count) + 1))
    return list(dict.fromkeys(numbers))


def count_pages(name: str) -> int:
    """1 also for a file that cannot be read: what is wrong with it is said when it is its turn."""
    try:
        if is_pdf_name(name):
            from vlmcli.images import pdf

            return max(1, pdf.count_pages(name))
        return _count_frames(name)
    except Exception:  # Pillow and PDFium raise about anything on damaged bytes
        return 1


def _count_frames(name: str) -> int:
    from vlmcli.images.quiet import quiet
    from vlmcli.images.tiff import TiffImagePlugin

    with quiet(), open(name, "rb") as file, TiffImagePlugin.TiffImageFile(file, "") as image:
        return int(getattr(image, "n_frames", 1))
