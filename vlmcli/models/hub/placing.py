"""Where the files of one pull go, and how a whole one becomes visible: in one step, for every program that looks."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from vlmcli.models.hub.layout import lock_path, repo_folder
from vlmcli.models.hub.partial import partial_of, size_of
from vlmcli.models.repository import RepoFile, Repository


class Place:
    """The folder of a repository in the cache, at one commit. All that writes raises OSError."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self.folder = repo_folder(repository.id)
        self.snapshot = self.folder / "snapshots" / repository.commit

    def blob(self, file: RepoFile) -> Path:
        return self.folder / "blobs" / file.etag

    def partial(self, file: RepoFile) -> Path:
        return partial_of(self.blob(file))

    def path(self, file: RepoFile) -> Path:
        """Where whoever opens the model finds it."""
        return self.snapshot.joinpath(*file.path.split("/"))

    def lock(self, file: RepoFile) -> Path:
        return lock_path(self.repository.id, file.etag)

    # --- what is there --------------------------------------------------------------------------------------

    def is_visible(self, file: RepoFile) -> bool:
        return _is_whole(self.path(file), file)

    def has_blob(self, file: RepoFile) -> bool:
        return _is_whole(self.blob(file), file)

    def here_bytes(self, file: RepoFile) -> int:
        if self.is_visible(file) or self.has_blob(file):
            return file.size_bytes
        here = size_of(self.partial(file))
        return here if here <= file.size_bytes else 0

    # --- what is made ---------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """The folders. The library finds fault with a repository that has no `snapshots`, so that is made first."""
        for name in ("snapshots", "blobs"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    def keep(self, file: RepoFile) -> None:
        """The partial file is whole, right and on the disk: it takes the name of its content."""
        try:
            os.replace(self.partial(file), self.blob(file))
        except FileNotFoundError:
            if not self.has_blob(file):  # a lock that did not hold: another process was first, with the same bytes
                raise
        _sync_folder(self.folder / "blobs")

    def show(self, file: RepoFile, is_new: bool) -> None:
        """The blob under the file's own name: a relative link or, where links do not work, the file itself: moved there
        when it is new, and copied when another snapshot may have it as well. As the library does it."""
        blob, path = self.blob(file), self.path(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._beside()
        try:
            if not _link(os.path.relpath(blob, path.parent), beside):
                if is_new:
                    os.replace(blob, path)
                    return
                shutil.copyfile(blob, beside)
            os.replace(beside, path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)

    def name(self) -> None:
        """The revision that was asked for stands for this commit from now on."""
        revision, commit = self.repository.revision, self.repository.commit
        if revision == commit:
            return
        ref = self.folder / "refs" / revision
        try:
            if ref.read_text(encoding="utf-8") == commit:
                return
        except (OSError, UnicodeDecodeError):
            pass
        ref.parent.mkdir(parents=True, exist_ok=True)
        beside = self._beside()
        try:
            beside.write_text(commit, encoding="utf-8")
            os.replace(beside, ref)
        finally:
            beside.unlink(missing_ok=True)

    def _beside(self) -> Path:
        """A free name where nobody looks for files or for names of commits, should it be left there."""
        return self.folder / f".{os.urandom(6).hex()}.vlm"


def _is_whole(path: Path, file: RepoFile) -> bool:
    try:
        return path.is_file() and path.stat().st_size == file.size_bytes
    except OSError:
        return False


def _link(target: str, path: Path) -> bool:
    """Whether links work here. HF_HUB_DISABLE_SYMLINKS says that they do not."""
    if os.environ.get("HF_HUB_DISABLE_SYMLINKS", "").upper() in ("1", "ON", "YES", "TRUE"):
        return False
    try:
        os.symlink(target, path)
    except (OSError, NotImplementedError):
        return False
    return True


def _sync_folder(folder: Path) -> None:
    """The new name survives a power cut. Not every system can open a folder for that."""
    try:
        number = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(number)
    except OSError:
        pass
    finally:
        os.close(number)
