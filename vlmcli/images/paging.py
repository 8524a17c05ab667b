"""Documents of several pages: each page a picture of its own, named `scan.tif#page=3`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from vlmcli.core import ImageRef
from vlmcli.errors import PictureError, UsageError
from vlmcli.images.expanding import Named
from vlmcli.images.names import is_picture_name
from vlmcli.images.sources import SOURCES, file, resolve
from vlmcli.images.sources.promise import FailedRef
from vlmcli.images.words import lacks, printable

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
    """A document's wished pages, each by its name; of all else, and a document of one page, the one there is.

    A page that is not there is a failure of what was named, and passed over in what was found in a folder.
    """
    name, relative, is_found = named
    count = _find_count(name) if isinstance(name, str) else None
    if not isinstance(name, str) or count is None:
        yield named
        return
    for number in _wished(ranges, count):
        page = f"#page={number}" if count > 1 else ""
        yield Named(f"{name}{page}", f"{relative}{page}", is_found)
    for number in _missing(ranges, count) if not is_found else ():
        page_name = f"{name}#page={number}"
        yield Named(FailedRef(page_name, "file", Path(name), error=_no_page(name, count, number)), relative)


def refs_of_pages(name: str, words: str) -> Iterator[ImageRef]:
    """The pages of one document, as `words` wish them; one that is not there is a FailedRef."""
    for page, *_ in pages_of(Named(name, name), parse_pages(words)):
        yield page if isinstance(page, ImageRef) else resolve(page)


def _find_count(name: str) -> int | None:
    """How many pages can be had of what has this name; None where that is not known before it is read."""
    if not os.path.isfile(name):
        return 1 if any(source.matches(name) for source in SOURCES if source is not file.SOURCE) else None
    if is_document(name):
        return _count_document(name)
    return 1 if is_picture_name(name) else None


def _no_page(name: str, count: int, number: int) -> PictureError:
    if not os.path.isfile(name):
        called = "standard input" if name == "-" else printable(name)
        return PictureError(f"Of {called} only the first page is read.", f"Take another alone: --frame {number}")
    there = "the one there is: --pages 1" if count == 1 else f"those there are: --pages 1-{count}"
    return PictureError(f"{printable(name)} {lacks(count, 'page', number)}", f"Take {there}")


def _wished(ranges: Ranges, count: int) -> list[int]:
    """The numbers in the order in which they were wished, each once."""
    numbers = (n for first, last in ranges for n in range(first, min(last or count, count) + 1))
    return list(dict.fromkeys(numbers))


def _missing(ranges: Ranges, count: int) -> list[int]:
    """The first page that is not there of each wish."""
    numbers = (max(first, count + 1) for first, last in ranges if first > count or (last or 0) > count)
    return list(dict.fromkeys(numbers))


def count_pages(name: str) -> int:
    """1 also for a file that cannot be read: what is wrong with it is said when it is its turn."""
    return _count_document(name) or 1


def _count_document(name: str) -> int | None:
    try:
        if is_pdf_name(name):
            from vlmcli.images import pdf

            return max(1, pdf.count_pages(name))
        return _count_frames(name)
    except Exception:  # Pillow and PDFium raise about anything on damaged bytes
        return None


def _count_frames(name: str) -> int:
    from vlmcli.images.quiet import quiet
    from vlmcli.images.tiff import TiffImagePlugin

    with quiet(), open(name, "rb") as opened, TiffImagePlugin.TiffImageFile(opened, "") as image:
        return int(getattr(image, "n_frames", 1))
