"""`vlm describe`"""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from vlmcli.cli.options import Common
from vlmcli.cli.pictures import PICTURES_HELP, Sources, find_pictures


def describe(
    sources: Sources,
    common: Common,
    pictures: Annotated[list[str] | None, typer.Argument(metavar="PICTURE…", help=PICTURES_HELP)] = None,
    style: Annotated[
        Literal["short", "caption", "detailed", "alt", "tags"],
        typer.Option(help="How: one or two sentences, a caption, at length, alt text, or tags."),
    ] = "short",
    lang: Annotated[str | None, typer.Option(metavar="LANGUAGE", help="Answer in this language.")] = None,
) -> int:
    """Say what is in each picture."""
    from vlmcli.cli.work import Plan, answer

    options = common.task_options(style=style, lang=lang or "")
    plans = [Plan((ref,), options, ref.name) for ref in find_pictures(pictures, sources)]
    return answer("describe", plans, common)
