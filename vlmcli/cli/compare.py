"""`vlm compare`"""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from vlmcli.cli.options import Common
from vlmcli.errors import UsageError


def compare(
    pictures: Annotated[list[str], typer.Argument(metavar="PICTURE PICTURE…", help="Files; - is standard input.")],
    common: Common,
    question: Annotated[
        str | None, typer.Option("--question", "-q", help="Ask this about them instead of what differs.")
    ] = None,
    strategy: Annotated[
        Literal["auto", "native", "stitch"],
        typer.Option(help="Give the model all pictures, or one of them all side by side; auto knows the family."),
    ] = "auto",
) -> int:
    """Say what is different between two pictures or more."""
    from vlmcli.cli.pictures import find_pictures
    from vlmcli.cli.work import Plan, answer
    from vlmcli.tasks.compare import MOST_PICTURES

    if not 2 <= len(pictures) <= MOST_PICTURES:
        raise UsageError(
            f"compare takes 2 to {MOST_PICTURES} pictures, and {len(pictures)} was named."
            if len(pictures) == 1
            else f"compare takes 2 to {MOST_PICTURES} pictures, and {len(pictures)} were named.",
            f"vlm compare {pictures[0]} OTHER_PICTURE",
        )
    options = common.task_options(question=question or "", strategy=strategy)
    refs = find_pictures(pictures, all_or_none=True)
    return answer("compare", [Plan(refs, options, ", ".join(ref.name for ref in refs))], common)
