"""Whether answers are streamed, or go into a file that remembers them: a job over many pictures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from vlmcli.cli.ledgers import file_of, ledger_of, target_of
from vlmcli.cli.options import Common, Folder
from vlmcli.cli.pictures import Sources
from vlmcli.cli.work import output_settings
from vlmcli.errors import UsageError
from vlmcli.output import resolve_format
from vlmcli.output.as_imagefolder import ImagefolderFormat


def is_folder_job(common: Common, folder: Folder, many: bool, sorts: bool = False) -> bool:
    """Whether answers go into a file that remembers them. One picture into another format than jsonl does not ask
    for that, unless the file is there and remembers already; `sorts`, putting pictures into folders, does.

    Raises UsageError for options that are in vain.
    """
    if folder.sidecar is None and (folder.prefix or folder.suffix or folder.sidecar_dir):
        raise UsageError(
            "--prefix, --suffix and --sidecar-dir are about sidecars, and there are none.", "--sidecar .txt"
        )
    if folder.dry_run or folder.sidecar is not None or sorts:
        return True
    path = file_of(common.output)
    if path is None:
        if folder.retry_failed or folder.overwrite:
            option = "--retry-failed" if folder.retry_failed else "--overwrite"
            raise UsageError(f"{option} is about a file, and there is none.", "Name it with --output FILE")
        return False
    ledger = ledger_path(common)
    return many or ledger == target_of(path) or ledger.exists()


def takes_folders(common: Common, folder: Folder, sorts: bool = False) -> bool:
    """Whether a folder stands for its own pictures without --recursive: where answers of many have their place."""
    return file_of(common.output) is not None or folder.sidecar is not None or sorts


def is_imagefolder(common: Common) -> bool:
    return resolve_format(output_settings(common)) is ImagefolderFormat


def is_many(arguments: Sequence[str] | None, sources: Sources, folders: bool = False) -> bool:
    """More than one name, or one that stands for many: a folder, a pattern, a list, a document of several pages.

    `folders`: without --recursive, too.
    """
    from vlmcli.images.expanding import is_folder_name, is_pattern

    names = list(arguments or [])
    if len(names) == 1 and sources.pages is not None:
        from vlmcli.images.paging import count_pages, is_document

        if is_document(names[0]) and os.path.isfile(names[0]) and count_pages(names[0]) > 1:
            return True
    if len(names) > 1 or sources.from_file is not None:
        return True
    folders = folders or sources.recursive
    return any(is_pattern(name) or (folders and is_folder_name(name)) for name in names)


def ledger_path(common: Common) -> Path:
    """Of the command's output; nowhere without one that can remember."""
    return ledger_of(output_settings(common))
