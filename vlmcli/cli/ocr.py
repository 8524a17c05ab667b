"""`vlm ocr`"""

from __future__ import annotations

from typing import Annotated

import typer

from vlmcli.cli.options import Common
from vlmcli.cli.pictures import PICTURES_HELP, Sources, find_pictures


def ocr(
    sources: Sources,
    common: Common,
    pictures: Annotated[list[str] | None, typer.Argument(metavar="PICTURE…", help=PICTURES_HELP)] = None,
) -> int:
    """Read the text in each picture."""
    from vlmcli.cli.work import Plan, answer

    options = common.task_options()
    plans = [Plan((ref,), options, ref.name) for ref in find_pictures(pictures, sources)]
    return answer("ocr", plans, common, markdown=False)
