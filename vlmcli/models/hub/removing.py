"""Giving room back: files that nobody needs any more, and what interrupted pulls left."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from vlmcli.errors import ModelError
from vlmcli.models.hub.layout import blob_of, cache_dir, lock_path, refs_of, repo_folder
from vlmcli.models.hub.locking import Busy, locked
from vlmcli.models.hub.names import is_commit, is_etag, is_inside, is_repo_id
from vlmcli.models.hub.partial import SUFFIX
from vlmcli.models.hub.space import disk_failures


class Leftover(NamedTuple):
    """What has come of a file whose pull did not end. `age_s`: seconds since its last byte."""

    path: Path
    size_bytes: int
    age_s: float

    @property
    def repo_id(self) -> str:
        return self.path.parents[1].name.partition("--")[2].replace("--", "/")


def delete_files(repo_id: str, commit: str, paths: Sequence[str]) -> int:
    """Removes files of one snapshot, and frees what no other snapshot has. The bytes that the disk has again.

    Files that are not there are no error. Raises ModelError, and removes nothing, while one of them is being pulled;
    OutputError where it may not write.
    """
    if not is_repo_id(repo_id) or not is_commit(commit):
        return 0
    folder = repo_folder(repo_id)
    root = folder / "snapshots" / commit
    found = [path for name in paths if is_inside(name) and os.path.lexists(path := root.joinpath(*name.split("/")))]
    with disk_failures(folder), ExitStack() as stack:
        for path in found:
            _lock(repo_id, path, stack)
        freed_bytes = sum(_remove(folder, path) for path in found)
        _tidy(folder, root)
    return freed_bytes


def _lock(repo_id: str, path: Path, stack: ExitStack) -> None:
    etag = blob_of(path).name
    if not path.is_symlink() or not is_etag(etag):
        return
    try:
        stack.enter_context(locked(lock_path(repo_id, etag)))
    except Busy:
        raise ModelError(
            f"{path.name} of {repo_id} is being pulled at this moment, so nothing was removed.", "Try again after that."
        ) from None


def _remove(folder: Path, path: Path) -> int:
    """A file of a snapshot, and its blob if that was the last link to it. Never what lies outside of the repository."""
    blob = blob_of(path)
    if blob == path:
        size_bytes = path.stat().st_size
        path.unlink()
        return size_bytes
    path.unlink()
    if blob.parent != Path(os.path.abspath(folder / "blobs")) or blob in _linked(folder):
        return 0
    try:
        size_bytes = 0 if blob.is_symlink() else blob.stat().st_size  # a link: the bytes are shared, and stay
        blob.unlink()
    except FileNotFoundError:
        return 0
    return size_bytes


def _linked(folder: Path) -> set[Path]:
    """All blobs that some snapshot has."""
    return {blob_of(path) for path in (folder / "snapshots").rglob("*") if path.is_symlink()}


# --- what is empty then -------------------------------------------------------------------------------------


def _tidy(folder: Path, root: Path) -> None:
    """An empty snapshot goes with its names, and a repository without snapshots goes whole, but for what may be gone on
    with. The library warns of names without a snapshot."""
    _remove_empty(root)
    if not root.exists():
        for _, commit, ref in list(refs_of(folder)):
            if commit == root.name:
                ref.unlink(missing_ok=True)
    _remove_empty(folder / "refs")
    if any(_entries(folder / "snapshots")) or any(_entries(folder / "blobs")):
        return
    shutil.rmtree(folder, ignore_errors=True)  # lists of files, kept by the library


def _remove_empty(root: Path) -> None:
    """This folder and those in it, from the innermost out, as far as there is nothing in them."""
    for folder in [*sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True), root]:
        try:
            folder.rmdir()
        except OSError:
            continue


def _entries(folder: Path) -> Iterator[Path]:
    try:
        yield from folder.iterdir()
    except OSError:
        return


# --- leftovers ----------------------------------------------------------------------------------------------


def partials() -> list[Leftover]:
    """What interrupted pulls left, of all models; the oldest first."""
    now, found = time.time(), []
    for path in cache_dir().glob(f"models--*/blobs/*{SUFFIX}"):
        try:
            status = path.stat()
        except OSError:
            continue
        found.append(Leftover(path, status.st_size, max(0.0, now - status.st_mtime)))
    return sorted(found, key=lambda leftover: -leftover.age_s)


def drop_partials(leftovers: Iterable[Leftover]) -> int:
    """Removes those that nobody is filling now. The bytes that the disk has again. Raises OutputError."""
    freed_bytes = 0
    for leftover in leftovers:
        path, folder = leftover.path, leftover.path.parents[1]
        try:
            with disk_failures(folder), locked(lock_path(leftover.repo_id, path.name.removesuffix(SUFFIX))):
                size_bytes = path.stat().st_size if path.exists() else 0
                path.unlink(missing_ok=True)
        except Busy:
            continue
        freed_bytes += size_bytes
        if not any(_entries(folder / "snapshots")) and not any(_entries(folder / "blobs")):
            shutil.rmtree(folder, ignore_errors=True)
    return freed_bytes
