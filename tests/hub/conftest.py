"""The test Hub and what the tests of this folder do with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.hub.fixtures import hub
from vlmcli.models.hub import PullEvent, find_snapshot, list_repository, patience, pull

__all__ = ["hub"]

REPO = "someone/model"
WEIGHTS = bytes(range(256)) * 8000
"""Two megabytes."""
PROJECTOR = bytes(reversed(range(256))) * 100
FILES = {"model-Q4_K_M.gguf": WEIGHTS, "mmproj-model-f16.gguf": PROJECTOR, "README.md": b"# A model\n"}

Pull = Callable[..., list[PullEvent]]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other at once."""
    monkeypatch.setattr(patience, "FIRST_S", 0.001)


@pytest.fixture
def quick_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """One second of silence is too much."""
    monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "1")


@pytest.fixture
def pull_all() -> Pull:
    """Pulls files of a repository as the Hub lists it now, by their paths (without any: all). The events."""

    def run(*paths: str, repo_id: str = REPO, **options: Any) -> list[PullEvent]:
        repository = list_repository(repo_id, **options)
        files = [file for file in repository.files if not paths or file.path in paths]
        return list(pull(repository, files))

    return run


@pytest.fixture
def cache(hub: Any, tmp_path: Path) -> Path:
    """The cache's folder."""
    return tmp_path / "cache"


def here(path: str, repo_id: str = REPO, revision: str = "main") -> bytes | None:
    """What vlm finds on this disk, without the Hub."""
    snapshot = find_snapshot(repo_id, revision)
    if snapshot is None or snapshot.folder is None:
        return None
    file = snapshot.folder / path
    return file.read_bytes() if file.exists() else None


def partial_files(cache: Path) -> list[Path]:
    return sorted(cache.rglob("*.vlm-partial"))
