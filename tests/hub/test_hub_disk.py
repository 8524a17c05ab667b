"""Disks that are full, or may not be written."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.hub.conftest import FILES, REPO, WEIGHTS, Pull, here, partial_files
from tests.hub.server import Fault, HubServer
from vlmcli.errors import OutputError
from vlmcli.models.hub import DiskFull, Retrying, list_repository, pull
from vlmcli.models.hub.partial import Partial

MODEL = "model-Q4_K_M.gguf"
WHOLE_BYTES = sum(len(content) for content in FILES.values())


def have_free(monkeypatch: pytest.MonkeyPatch, free_bytes: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**12, 0, free_bytes))  # type: ignore[attr-defined]


def test_all_files_together_must_fit(
    hub: HubServer, cache: Path, pull_all: Pull, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(REPO, FILES)
    have_free(monkeypatch, WHOLE_BYTES - 1)
    with pytest.raises(DiskFull) as failure:
        pull_all()
    assert failure.value.exit_code == 7
    folder = cache / "models--someone--model"
    assert str(failure.value) == f"2.1 MB more are needed in {folder}, and 2.1 MB are free there."
    assert "HF_HOME" in failure.value.hint
    assert not hub.gets(path="resolve")
    assert not folder.exists()
    have_free(monkeypatch, WHOLE_BYTES)
    pull_all()
    assert here(MODEL) == WEIGHTS


def test_what_is_here_already_needs_no_room(hub: HubServer, pull_all: Pull, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add(REPO, FILES)
    hub.fault = Fault(cut_after=700_000)
    repository = list_repository(REPO)
    events = pull(repository, repository.files[:1])
    assert any(isinstance(event, Retrying) for event in events)
    events.close()  # type: ignore[attr-defined]
    have_free(monkeypatch, len(WEIGHTS) - 700_001)
    with pytest.raises(DiskFull):
        pull_all(MODEL)
    have_free(monkeypatch, len(WEIGHTS) - 700_000)
    pull_all(MODEL)
    have_free(monkeypatch, 0)
    pull_all(MODEL)
    assert here(MODEL) == WEIGHTS


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_full_in_the_middle(
    hub: HubServer, cache: Path, pull_all: Pull, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Someone else filled the disk meanwhile. What came stays."""
    hub.add(REPO, FILES)
    add = Partial.add

    def add_a_megabyte(self: Partial, data: bytes) -> None:
        if self.size_bytes > 10**6:
            raise OSError(number, os.strerror(number))
        add(self, data)

    with monkeypatch.context() as patch:
        patch.setattr(Partial, "add", add_a_megabyte)
        with pytest.raises(DiskFull) as failure:
            pull_all(MODEL)
    assert str(failure.value).startswith(f"The disk is full at {cache / 'models--someone--model'}: ")
    assert "the next pull goes on" in failure.value.hint
    (partial,) = partial_files(cache)
    assert WEIGHTS.startswith(partial.read_bytes())
    pull_all(MODEL)
    assert here(MODEL) == WEIGHTS


def test_what_the_disk_refuses_afterwards_is_not_lost(
    hub: HubServer, pull_all: Pull, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some systems take all bytes, and find no room when they bring them to the disk; and they say so once."""

    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    hub.add(REPO, FILES)
    monkeypatch.setattr("vlmcli.models.hub.partial._SYNC_EVERY_S", 0.001)
    monkeypatch.setattr("vlmcli.models.hub.partial._data_to_disk", refuse)
    hub.fault = Fault(stall_after=700_000, stall_s=0.2)
    with pytest.raises(DiskFull):
        pull_all(MODEL)
    assert here(MODEL) is None


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_disk_that_is_really_full(hub: HubServer, cache: Path, pull_all: Pull) -> None:
    """The device that is always full, in place of the partial file."""
    hub.add(REPO, FILES)
    blobs = cache / "models--someone--model" / "blobs"
    blobs.mkdir(parents=True)
    repository = list_repository(REPO)
    (blobs / f"{repository.files[0].etag}.vlm-partial").symlink_to("/dev/full")
    with pytest.raises(DiskFull):
        list(pull(repository, repository.files[:1]))


def test_a_file_too_large_for_the_file_system(hub: HubServer, pull_all: Pull, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.EFBIG, "File too large")

    hub.add(REPO, FILES)
    monkeypatch.setattr(Partial, "add", refuse)
    with pytest.raises(OutputError, match="takes no file so large"):
        pull_all(MODEL)


def test_a_cache_that_may_not_be_written(
    hub: HubServer, cache: Path, pull_all: Pull, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(REPO, FILES)

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(OutputError) as failure:
        pull_all(MODEL)
    assert str(failure.value) == f"{cache / 'models--someone--model'} cannot be written: Permission denied."
    assert failure.value.hint == "Another place: export HF_HOME=/a/folder/with/room"
    assert failure.value.exit_code == 7


def test_a_file_where_the_cache_should_be(hub: HubServer, cache: Path, pull_all: Pull) -> None:
    hub.add(REPO, FILES)
    cache.write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be written: "):
        pull_all(MODEL)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="modes mean nothing here")
def test_what_is_here_is_used_from_a_cache_that_may_only_be_read(hub: HubServer, cache: Path, pull_all: Pull) -> None:
    hub.add(REPO, FILES)
    pull_all()
    folders = [cache, *(path for path in cache.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o500)
    try:
        pull_all()
    finally:
        for folder in folders:
            folder.chmod(0o700)


def test_a_name_that_cannot_be_written_is_no_harm_to_files_that_are_here(
    hub: HubServer, pull_all: Pull, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same, for whoever may write everything."""
    hub.add(REPO, FILES)
    pull_all()

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    for name in ("replace", "mkdir", "symlink", "unlink"):
        monkeypatch.setattr(os, name, refuse)
    repository = list_repository(REPO)
    from dataclasses import replace

    events = list(pull(replace(repository, revision="a-tag"), repository.files))
    assert [type(event).__name__ for event in events] == ["Begun", "Pulled", "Pulled", "Pulled"]


def test_short_writes_are_gone_on_with(hub: HubServer, pull_all: Pull, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system may write less than it was given."""
    import io

    class Slow(io.FileIO):
        def write(self, data: Any) -> int:
            return super().write(memoryview(data)[:1000])

    hub.add(REPO, FILES)
    monkeypatch.setattr("vlmcli.models.hub.partial.open", lambda path, mode, buffering: Slow(path, mode), raising=False)
    pull_all(MODEL)
    assert here(MODEL) == WEIGHTS
