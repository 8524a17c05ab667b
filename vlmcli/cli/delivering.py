"""What a folder job puts beside the pictures, as the options say."""

from __future__ import annotations

from vlmcli.batch.delivery import Check, Delivery
from vlmcli.batch.ledger import Ledger
from vlmcli.cli.decide import is_imagefolder
from vlmcli.cli.ledgers import file_of
from vlmcli.cli.options import Common, Folder
from vlmcli.output.as_imagefolder import Lines, folder_of
from vlmcli.output.sidecar import Sidecars, SidecarSettings


def delivery_of(common: Common, folder: Folder, ledger: Ledger) -> Delivery:
    """Raises UsageError for an extension that is none."""
    return Delivery(sidecars_of(folder), file_of(common.output) is None, _check(common, ledger))


def sidecars_of(folder: Folder) -> Sidecars | None:
    if folder.sidecar is None:
        return None
    words = folder.prefix or "", folder.suffix or ""
    return Sidecars(SidecarSettings(folder.sidecar, *words, folder.overwrite, folder.sidecar_dir))


def _check(common: Common, ledger: Ledger) -> Check | None:
    if common.output is None or not is_imagefolder(common):
        return None
    return Lines(folder_of(common.output), ledger.answered).claim
