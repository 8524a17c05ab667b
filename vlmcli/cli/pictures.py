"""From the arguments of a command to references to pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vlmcli.core import ImageRef
from vlmcli.errors import PictureError
from vlmcli.images import resolve, resolve_all


def find_pictures(arguments: Sequence[str], all_or_none: bool = False) -> tuple[ImageRef, ...]:
    """References to all that was named. One that is missing among others fails later, as its own record.

    Raises the PictureError of one that is missing when there is only that, or with `all_or_none`.
    """
    missing: list[PictureError] = []
    found: list[ImageRef] = []
    for argument in arguments:
        try:
            found.append(resolve(argument))
        except PictureError as error:
            missing.append(error)
            found.append(ImageRef(argument, "file", Path(argument)))
    if missing and (all_or_none or len(arguments) == 1):
        raise missing[0]
    if "-" in arguments:
        resolve_all([argument for argument in arguments if argument == "-"])
    return tuple(found)
