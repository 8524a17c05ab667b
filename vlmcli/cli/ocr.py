"""`vlm ocr`"""

from __future__ import annotations

from typing import Annotated

import typer

from vlmcli.cli.options import Common, Folder
from vlmcli.cli.pictures import PICTURES_HELP, Sources


def ocr(
    sources: Sources,
    common: Common,
    folder: Folder,
    pictures: Annotated[list[str] | None, typer.Argument(metavar="PICTURE…", help=PICTURES_HELP)] = None,
) -> int:
    """Read the text in each picture."""
    from vlmcli.cli.many import answer_each

    return answer_each("ocr", pictures, [common.task_options()], sources, common, folder, markdown=False)
