"""`vlm compare`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from vlmcli.cli.options import Common
from vlmcli.cli.pictures import PICTURES_HELP, Sources, picture_names, resolve_names
from vlmcli.errors import UsageError


def compare(
    sources: Sources,
    common: Common,
    pictures: Annotated[list[str] | None, typer.Argument(metavar="PICTURE PICTURE…", help=PICTURES_HELP)] = None,
    question: Annotated[
        str | None, typer.Option("--question", "-q", help="Ask this about them instead of what differs.")
    ] = None,
    strategy: Annotated[
        Literal["auto", "native", "stitch", "describe", "diff"],
        typer.Option(
            help="Show all pictures, or one of them side by side, or compare descriptions, or show what differs in"
            " pixels; auto knows what the family can."
        ),
    ] = "auto",
    diff: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Draw the regions that differ into a copy of the second picture."),
    ] = None,
) -> int:
    """Say what is different between two pictures or more."""
    from vlmcli.cli.work import Plan, answer
    from vlmcli.drawing import check_drawing
    from vlmcli.tasks.compare import MOST_PICTURES

    names = picture_names(pictures, sources)
    if not 2 <= len(names) <= MOST_PICTURES:
        were = "was" if len(names) == 1 else "were"
        raise UsageError(
            f"compare takes 2 to {MOST_PICTURES} pictures, and {len(names)} {were} named.",
            f"vlm compare {getattr(names[0], 'name', names[0])} OTHER_PICTURE",
        )
    options = common.task_options(question=question or "", strategy=strategy, diff=str(diff) if diff else "")
    refs = resolve_names(names, sources, all_or_none=True)
    if diff is not None:
        check_drawing(diff, (ref.path for ref in refs), "--diff")
    return answer("compare", [Plan(refs, options, ", ".join(ref.name for ref in refs))], common)
