"""Where files of the Hub lie on this machine: the cache of Hugging Face, read without their library.

    models--OWNER--NAME/blobs/ETAG              the bytes
    models--OWNER--NAME/snapshots/COMMIT/PATH   a relative link to them (the file itself where links do not work)
    models--OWNER--NAME/refs/REVISION           the commit that a branch or a tag stood for

huggingface_hub takes 155 ms to import, which is too much for a question about a picture: a test holds that this file
says what its constants say.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from vlmcli.models.hub.names import is_commit, is_etag, is_repo_id, is_revision
from vlmcli.models.repository import RepoFile, Repository

_TRUE = {"1", "ON", "YES", "TRUE"}
_IGNORED = {".DS_Store", "Thumbs.db", "desktop.ini"}
_SHA256_LENGTH = 64


def is_offline() -> bool:
    """HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE): the Hub is not to be asked."""
    said = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""
    return said.upper() in _TRUE


def cache_dir() -> Path:
    """HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME/hub, XDG_CACHE_HOME/huggingface/hub, ~/.cache/huggingface/hub."""
    user = os.environ.get("XDG_CACHE_HOME", os.path.join(os.path.expanduser("~"), ".cache"))
    home = _expanded(os.environ.get("HF_HOME", os.path.join(user, "huggingface")))
    older = os.environ.get("HUGGINGFACE_HUB_CACHE", os.path.join(home, "hub"))
    return Path(_expanded(os.environ.get("HF_HUB_CACHE", older)))


def _expanded(path: str) -> str:
    return os.path.expandvars(os.path.expanduser(path))


def repo_folder(repo_id: str) -> Path:
    return cache_dir() / f"models--{repo_id.replace('/', '--')}"


def lock_path(repo_id: str, etag: str) -> Path:
    """The lock that their library takes to download the same file."""
    return cache_dir() / ".locks" / repo_folder(repo_id).name / f"{etag}.lock"


# --- what is there ------------------------------------------------------------------------------------------


def find_snapshot(repo_id: str, revision: str = "main") -> Repository | None:
    """The files of a repository that are here, at a branch, a tag or a commit. None: nothing of it is."""
    if not is_repo_id(repo_id) or not is_revision(revision):
        return None
    folder = repo_folder(repo_id)
    try:
        commit = (folder / "refs" / revision).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        commit = revision
    return _snapshot(repo_id, folder, commit, revision) if is_commit(commit) else None


def cached_repositories() -> Iterator[Repository]:
    """All snapshots of all models, by name. `revision` is a branch or a tag that stands for it, or the commit."""
    for folder in _folders(cache_dir()):
        kind, _, name = folder.name.partition("--")
        repo_id = name.replace("--", "/")
        if kind != "models" or not is_repo_id(repo_id):
            continue
        names = _refs(folder)
        for commit in _folders(folder / "snapshots"):
            if is_commit(commit.name):
                found = _snapshot(repo_id, folder, commit.name, names.get(commit.name, commit.name))
                if found:
                    yield found


def blob_of(path: Path) -> Path:
    """What a file of a snapshot is a link to; itself where it is none. One step: a blob may be shared in its turn."""
    try:
        return Path(os.path.abspath(path.parent / os.readlink(path)))
    except OSError:
        return path


def refs_of(folder: Path) -> Iterator[tuple[str, str, Path]]:
    """Name, commit and file of each branch and tag that a repository's folder knows."""
    root = folder / "refs"
    for path in sorted(root.rglob("*")):
        try:
            if path.is_file() and path.name not in _IGNORED:
                yield path.relative_to(root).as_posix(), path.read_text(encoding="utf-8").strip(), path
        except (OSError, UnicodeDecodeError):
            continue


def _refs(folder: Path) -> dict[str, str]:
    """Commit -> a name that stands for it; `main` before others."""
    names: dict[str, str] = {}
    for name, commit, _ in refs_of(folder):
        if name == "main" or commit not in names:
            names[commit] = name
    return names


def _snapshot(repo_id: str, folder: Path, commit: str, revision: str) -> Repository | None:
    root = folder / "snapshots" / commit
    if not root.is_dir():
        return None
    files = tuple(found for path in sorted(root.rglob("*")) if (found := _file(root, path)))
    return Repository(repo_id, commit, files, revision, folder=root)


def _file(root: Path, path: Path) -> RepoFile | None:
    """None for folders, links to nothing, and what a file browser left there."""
    try:
        if path.name in _IGNORED or not path.is_file():
            return None
        size_bytes = path.stat().st_size
    except OSError:
        return None
    name = blob_of(path).name if path.is_symlink() else ""
    return RepoFile(
        path.relative_to(root).as_posix(),
        size_bytes,
        sha256=name if is_etag(name) and len(name) == _SHA256_LENGTH else "",
        blob_id=name if is_etag(name) and len(name) < _SHA256_LENGTH else "",
    )


def _folders(parent: Path) -> list[Path]:
    try:
        return sorted(path for path in parent.iterdir() if path.is_dir())
    except OSError:
        return []
