"""What is put beside a picture, or moves it, wants a file that is this picture and nothing else."""

from __future__ import annotations

import os

from vlmcli.errors import OutputError
from vlmcli.images.wishes import split_page
from vlmcli.output import show_name


def check_whole_file(name: str, question: str = "") -> None:
    """Raises OutputError for one page of a document."""
    document, page = split_page(name)
    if page is not None and not os.path.lexists(name):
        raise OutputError(
            f"{show_name(name)} is a page of {show_name(document)}, which only as a whole can be sorted or have a text "
            "beside it.",
            f"Let one page speak for it: --frame {page}\nAnswers for all pages: -o pages.jsonl",
        )


def check_file(name: str, question: str = "") -> None:
    """Raises OutputError for what came from elsewhere."""
    if not os.path.isfile(name):
        raise OutputError(f"{show_name(name)} is no file that can be moved or linked.", "Save it as a file first.")
