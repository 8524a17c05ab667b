"""What a folder job puts beside the pictures, as the options say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from vlmcli.batch.delivery import Check, Delivery
from vlmcli.batch.ledger import Ledger
from vlmcli.batch.whole_files import check_file, check_whole_file
from vlmcli.cli.decide import is_imagefolder
from vlmcli.cli.ledgers import file_of
from vlmcli.cli.options import Common, Folder
from vlmcli.output.as_imagefolder import Lines, folder_of
from vlmcli.output.sidecar import Sidecars, SidecarSettings


def delivery_of(common: Common, folder: Folder, ledger: Ledger, sorts: bool) -> Delivery:
    """`sorts`: pictures move by their answers, which a sidecar does not remember. Raises UsageError for an extension
    that is none."""
    alone = file_of(common.output) is None and not sorts
    return Delivery(sidecars_of(folder), alone, tuple(_checks(common, folder, ledger, sorts)))


def sidecar_names(folder: Folder) -> Callable[[Path], Path] | None:
    """What the file beside a picture is called; None where there is none beside it."""
    sidecars = None if folder.sidecar_dir else sidecars_of(folder)
    return sidecars.beside if sidecars else None


def sidecars_of(folder: Folder) -> Sidecars | None:
    if folder.sidecar is None:
        return None
    words = folder.prefix or "", folder.suffix or ""
    return Sidecars(SidecarSettings(folder.sidecar, *words, folder.overwrite, folder.sidecar_dir))


def _checks(common: Common, folder: Folder, ledger: Ledger, sorts: bool) -> Iterator[Check]:
    in_data_set = common.output is not None and is_imagefolder(common)
    if sorts or in_data_set or folder.sidecar is not None:
        yield check_whole_file
    if sorts:
        yield check_file
    if in_data_set:
        yield Lines(folder_of(common.output), ledger.answered).claim
