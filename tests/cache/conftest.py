from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vlmcli.cache import Store, digest_of

LIMIT_BYTES = 40 * 4096
"""Ten entries of ENTRY bytes: each takes four blocks with its header."""
ENTRY = bytes(range(256)) * 56


@pytest.fixture
def cache_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of this test's own, in use."""
    monkeypatch.setenv("VLM_CACHE", "on")
    monkeypatch.setenv("VLM_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache", {"rows": LIMIT_BYTES, "kv": LIMIT_BYTES})


@pytest.fixture
def file_of(store: Store) -> Callable[[str], Path]:
    """The file in which the entry of a key lies."""

    def find(key: str) -> Path:
        (path,) = store.root.glob(f"*/{key[:2]}/{key}")
        return path

    return find


def key(name: str | int) -> str:
    return digest_of("test", name)
