"""`vlm ocr`"""

from __future__ import annotations

from typing import Annotated

import typer

from vlmcli.cli.options import Common


def ocr(
    pictures: Annotated[list[str], typer.Argument(metavar="PICTURE…", help="Files; - is standard input.")],
    common: Common,
) -> int:
    """Read the text in each picture."""
    from vlmcli.cli.pictures import find_pictures
    from vlmcli.cli.work import Plan, answer

    options = common.task_options()
    plans = [Plan((ref,), options, ref.name) for ref in find_pictures(pictures)]
    return answer("ocr", plans, common, markdown=False)
