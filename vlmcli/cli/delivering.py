"""What a folder job puts beside the pictures, as the options say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vlmcli.batch.delivery import Check, Delivery
from vlmcli.batch.ledger import Ledger
from vlmcli.cli.decide import is_imagefolder
from vlmcli.cli.ledgers import file_of
from vlmcli.cli.options import Common, Folder
from vlmcli.output.as_imagefolder import Lines, folder_of
from vlmcli.output.sidecar import Sidecars, SidecarSettings


def delivery_of(common: Common, folder: Folder, ledger: Ledger, sorts: bool) -> Delivery:
    """`sorts`: pictures move by their answers, which a sidecar does not remember. Raises UsageError for an extension
    that is none."""
    alone = file_of(common.output) is None and not sorts
    return Delivery(sidecars_of(folder), alone, _check(common, ledger))


def sidecar_names(folder: Folder) -> Callable[[Path], Path] | None:
    """What the file beside a picture is called; None where there is none beside it."""
    sidecars = None if folder.sidecar_dir else sidecars_of(folder)
    return sidecars.beside if sidecars else None


def sidecars_of(folder: Folder) -> Sidecars | None:
    if folder.sidecar is None:
        return None
    words = folder.prefix or "", folder.suffix or ""
    return Sidecars(SidecarSettings(folder.sidecar, *words, folder.overwrite, folder.sidecar_dir))


def _check(common: Common, ledger: Ledger) -> Check | None:
    if common.output is None or not is_imagefolder(common):
        return None
    return Lines(folder_of(common.output), ledger.answered).claim
