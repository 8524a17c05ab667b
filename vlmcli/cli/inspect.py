"""`vlm inspect`: what the model will see of a picture, and what that costs, before anything is computed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from vlmcli.cli.pictures import PICTURES_OR_FOLDERS_HELP, Sources
from vlmcli.errors import UsageError


def inspect(
    sources: Sources,
    pictures: Annotated[list[str] | None, typer.Argument(metavar="PICTURE…", help=PICTURES_OR_FOLDERS_HELP)] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="The model, as for the tasks.", envvar="VLM_MODEL")
    ] = None,
    mmproj: Annotated[Path | None, typer.Option(help="The model's projector, a GGUF file.")] = None,
    family: Annotated[str | None, typer.Option(help="How the model is spoken to, as for the tasks.")] = None,
    detail: Annotated[Literal["low", "auto", "high"], typer.Option(help="How closely it would look.")] = "auto",
    save: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw the tiles into a copy of the picture.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """Show what a model will see: tiles, tokens, how long it may take.

    Nothing is answered, and the model's large part is not loaded.
    """
    from vlmcli.cli.decide import is_many
    from vlmcli.cli.inspecting import print_all
    from vlmcli.cli.options import Common
    from vlmcli.cli.pictures import find_pictures, first_and_all, iter_names, iter_refs
    from vlmcli.drawing import check_drawing

    many = is_many(pictures, sources)
    if save is not None and many:
        raise UsageError("--save draws one picture, and several were named.", f"vlm inspect PICTURE --save {save}")
    common = Common(model=model, mmproj=mmproj, family=family, detail=detail)
    if not many:
        refs = find_pictures(pictures, sources)
        if save is not None:
            check_drawing(save, (ref.path for ref in refs), "--save")
        return print_all(refs, common, save, json)
    names = (each.name for each in iter_names(pictures, sources))
    return print_all(first_and_all(iter_refs(names, sources.wish))[1], common, save, json, several=True)
