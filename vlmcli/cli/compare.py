"""`vlm compare`"""

from __future__ import annotations

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
        Literal["auto", "native", "stitch"],
        typer.Option(help="Give the model all pictures, or one of them all side by side; auto knows the family."),
    ] = "auto",
) -> int:
    """Say what is different between two pictures or more."""
    from vlmcli.cli.work import Plan, answer
    from vlmcli.tasks.compare import MOST_PICTURES

    names = picture_names(pictures, sources)
    if not 2 <= len(names) <= MOST_PICTURES:
        were = "was" if len(names) == 1 else "were"
        raise UsageError(
            f"compare takes 2 to {MOST_PICTURES} pictures, and {len(names)} {were} named.",
            f"vlm compare {getattr(names[0], 'name', names[0])} OTHER_PICTURE",
        )
    options = common.task_options(question=question or "", strategy=strategy)
    refs = resolve_names(names, sources, all_or_none=True)
    return answer("compare", [Plan(refs, options, ", ".join(ref.name for ref in refs))], common)
