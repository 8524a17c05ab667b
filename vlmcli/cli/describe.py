"""`vlm describe`"""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from vlmcli.cli.options import Common, Folder
from vlmcli.cli.pictures import PICTURES_HELP, Sources


def describe(
    sources: Sources,
    common: Common,
    folder: Folder,
    pictures: Annotated[list[str] | None, typer.Argument(metavar="PICTURE…", help=PICTURES_HELP)] = None,
    style: Annotated[
        Literal["short", "caption", "detailed", "alt", "tags"],
        typer.Option(help="How: one or two sentences, a caption, at length, alt text, or tags."),
    ] = "short",
    lang: Annotated[str | None, typer.Option(metavar="LANGUAGE", help="Answer in this language.")] = None,
) -> int:
    """Say what is in each picture."""
    from vlmcli.cli.many import answer_each

    return answer_each(
        "describe", pictures, [common.task_options(style=style, lang=lang or "")], sources, common, folder
    )
