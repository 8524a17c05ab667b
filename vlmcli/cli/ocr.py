"""`vlm ocr`"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

import typer

from vlmcli.cli.options import Common, Folder
from vlmcli.cli.pictures import PICTURES_HELP, Sources


def ocr(
    sources: Sources,
    common: Common,
    folder: Folder,
    pictures: Annotated[list[str] | None, typer.Argument(metavar="PICTURE…", help=PICTURES_HELP)] = None,
    style: Annotated[
        Literal["plain", "markdown", "table"],
        typer.Option(help="How: the lines, with headings and lists, or tables as Markdown."),
    ] = "plain",
    whole: Annotated[
        bool, typer.Option("--whole", help="One look at a page, and not as many as its letters need.")
    ] = False,
) -> int:
    """Read the text in each picture; of a PDF or TIFF, in each page."""
    from vlmcli.cli.many import answer_each

    if sources.pages is None and sources.frame is None:
        sources = replace(sources, pages="all")
    options = common.task_options(style="" if style == "plain" else style, whole=whole)
    return answer_each("ocr", pictures, [options], sources, common, folder, markdown=style != "plain")
