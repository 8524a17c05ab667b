"""From the arguments of a command, and the options about them, to references to pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vlmcli.errors import PictureError, UsageError

if TYPE_CHECKING:
    from vlmcli.core import ImageRef
    from vlmcli.images.expanding import Expanded

_PANEL = "Pictures"

PICTURES_HELP = "Files, 'patterns*.jpg', URLs, clipboard: or - for standard input; folders with -r."


@dataclass(frozen=True, slots=True)
class Sources:
    """Options about where pictures come from and how they are read, in the order in which `--help` shows them."""

    recursive: Annotated[
        bool,
        typer.Option(
            "--recursive", "-r", help="Take the pictures in folders and in the folders in them.", rich_help_panel=_PANEL
        ),
    ] = False
    from_file: Annotated[
        Path | None,
        typer.Option(
            metavar="LIST", help="Take more from a list, one name a line; - is standard input.", rich_help_panel=_PANEL
        ),
    ] = None
    null: Annotated[
        bool,
        typer.Option("--null", "-0", help="In LIST, NUL ends a name, as after find -print0.", rich_help_panel=_PANEL),
    ] = False
    frame: Annotated[
        int | None,
        typer.Option(min=1, help="Which frame of an animation or page of a TIFF.", rich_help_panel=_PANEL),
    ] = None
    allow_truncated: Annotated[
        bool,
        typer.Option(
            "--allow-truncated", help="Take what there is of a picture whose end is missing.", rich_help_panel=_PANEL
        ),
    ] = False
    allow_local: Annotated[
        bool,
        typer.Option("--allow-local", help="Fetch URLs of the local network, too.", rich_help_panel=_PANEL),
    ] = False


def find_pictures(
    arguments: Sequence[str] | None, sources: Sources = Sources(), all_or_none: bool = False
) -> tuple[ImageRef, ...]:
    """References to all that was named. One that is missing among others fails later, as its own record.

    Raises the PictureError of one that is missing when there is only that, or with `all_or_none`.
    """
    return resolve_names(picture_names(arguments, sources), sources, all_or_none)


def picture_names(arguments: Sequence[str] | None, sources: Sources = Sources()) -> list[Expanded]:
    """The names that arguments and the list stand for, in their order; in the place of a bad one what is wrong."""
    from vlmcli.images.expanding import expand, expand_folders
    from vlmcli.images.listing import STDIN, read_names

    found = list(expand(list(arguments or []), sources.recursive))
    if sources.from_file is not None:
        if str(sources.from_file) == STDIN in found:
            raise UsageError("Standard input (-) cannot be both the list and a picture.", "Put the list in a file.")
        found += expand_folders(read_names(str(sources.from_file), sources.null), sources.recursive)
    elif sources.null:
        raise UsageError("--null is about a list, and there is none.", "find . -print0 | vlm … --from-file - -0")
    if not found:
        raise UsageError("Missing argument 'PICTURE…'.", "vlm --help")
    return found


def resolve_names(names: Sequence[Expanded], sources: Sources, all_or_none: bool = False) -> tuple[ImageRef, ...]:
    """A reference for each name. See `find_pictures`."""
    from vlmcli.images import resolve
    from vlmcli.images.expanding import failed
    from vlmcli.images.sources import check_stdin
    from vlmcli.images.sources.promise import FailedRef
    from vlmcli.images.wishes import Wish

    wish = Wish(sources.frame, sources.allow_truncated, sources.allow_local)
    missing: list[PictureError] = []
    found: list[ImageRef] = []
    for name in names:
        try:
            if isinstance(name, FailedRef):
                raise name.error
            found.append(resolve(name, wish))
        except PictureError as error:
            missing.append(error)
            found.append(failed(str(getattr(name, "name", name)), error))
    if missing and (all_or_none or len(names) == 1):
        raise missing[0]
    check_stdin(found)
    return tuple(found)
