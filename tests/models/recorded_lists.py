"""File lists of repositories of the Hub, as they were recorded: `recorded/OWNER__NAME.json`."""

from __future__ import annotations

import json
from pathlib import Path

from vlmcli.models.repository import RepoFile, Repository

FOLDER = Path(__file__).parent / "recorded"


def recorded(repo_id: str) -> Repository:
    """The repository as it was listed. Checksums are not recorded: each file has one of its own."""
    data = json.loads((FOLDER / f"{repo_id.replace('/', '__')}.json").read_text())
    assert data["repo"] == repo_id
    return repository(data["files"], repo_id)


def repository(sizes: dict[str, int] | list[str], repo_id: str = "owner/name") -> Repository:
    """One that is made up: paths with sizes in bytes, or paths of 1 GB each."""
    known = sizes if isinstance(sizes, dict) else dict.fromkeys(sizes, 10**9)
    files = (RepoFile(path, size, sha256=f"{number:064x}") for number, (path, size) in enumerate(known.items()))
    return Repository(repo_id, "c" * 40, tuple(files))
