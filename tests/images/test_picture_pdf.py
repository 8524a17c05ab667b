"""Pages of a PDF through PDFium, which is for one thread at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from vlmcli.images import load, resolve
from vlmcli.images.paging import count_pages

pdfium = pytest.importorskip("pypdfium2.raw")
CALLED = (
    *("FPDF_LoadDocument", "FPDF_LoadMemDocument64", "FPDF_CloseDocument", "FPDF_GetPageCount"),
    *("FPDF_LoadPage", "FPDF_ClosePage", "FPDF_GetPageSizeByIndexF", "FPDF_RenderPageBitmap"),
    *("FPDFBitmap_CreateEx", "FPDFBitmap_Destroy"),
)


@pytest.fixture
def document(tmp_path: Path) -> str:
    pages = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue", "white")]
    pages[0].save(tmp_path / "a.pdf", save_all=True, append_images=pages[1:])
    return str(tmp_path / "a.pdf")


def test_pdfium_is_called_under_its_lock_only(document: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from vlmcli.images import pdf

    calls: list[tuple[str, bool]] = []

    def noting(name: str) -> Callable[..., Any]:
        call = getattr(pdfium, name)

        def noted(*arguments: Any) -> Any:
            calls.append((name, pdf._LOCK._is_owned()))  # type: ignore[attr-defined]
            return call(*arguments)

        return noted

    for name in CALLED:
        monkeypatch.setattr(pdfium, name, noting(name))
    assert load(resolve(f"{document}#page=3")).rgb[:3] == b"\xff\xff\xff"
    assert count_pages(document) == 3
    assert {name for name, _ in calls} == set(CALLED)
    assert [name for name, is_locked in calls if not is_locked] == []


def test_pages_are_counted_without_reading_the_whole_file(document: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Path, "read_bytes")
    monkeypatch.chdir(Path(document).parent)
    Path("~b.pdf").symlink_to(document)
    assert [count_pages(name) for name in (document, "a.pdf", "~b.pdf", "none.pdf")] == [3, 3, 3, 1]
