"""Room that is given back: what nobody else needs, and not a byte more."""

from __future__ import annotations

import os
import time
import warnings
from pathlib import Path

import pytest

from tests.hub.conftest import FILES, PROJECTOR, REPO, WEIGHTS, Pull, here, partial_files
from tests.hub.server import Fault, HubServer
from vlmcli.errors import ModelError
from vlmcli.models.hub import (
    Retrying,
    cache_dir,
    cached_repositories,
    delete_files,
    drop_partials,
    find_snapshot,
    list_repository,
    partials,
    pull,
)
from vlmcli.models.hub.layout import lock_path
from vlmcli.models.hub.locking import locked

MODEL, MMPROJ = "model-Q4_K_M.gguf", "mmproj-model-f16.gguf"


def theirs() -> dict[str, int]:
    """Repositories and sizes as the library sees them, without anything for it to complain of."""
    from huggingface_hub import scan_cache_dir

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = scan_cache_dir(cache_dir())
    assert not found.warnings
    return {repo.repo_id: repo.size_on_disk for repo in found.repos}


def test_some_files_of_a_snapshot(hub: HubServer, pull_all: Pull) -> None:
    commit = hub.add(REPO, FILES)
    pull_all()
    assert delete_files(REPO, commit, [MODEL, "nothing.gguf"]) == len(WEIGHTS)
    assert (here(MODEL), here(MMPROJ), here("README.md")) == (None, PROJECTOR, FILES["README.md"])
    assert theirs() == {REPO: len(PROJECTOR) + 10}
    assert delete_files(REPO, commit, [MODEL]) == 0


def test_all_files_and_the_folders_with_them(hub: HubServer, cache: Path, pull_all: Pull) -> None:
    commit = hub.add(REPO, FILES | {"a/b/c.json": b"{}"}, revision="refs/pr/1")
    pull_all(revision="refs/pr/1")
    hub.add("other/model", FILES)
    pull_all(repo_id="other/model")
    whole = sum(len(content) for content in FILES.values())
    assert delete_files(REPO, commit, [*FILES, "a/b/c.json"]) == whole + 2
    assert not (cache / "models--someone--model").exists()
    assert [repository.id for repository in cached_repositories()] == ["other/model"]
    assert theirs() == {"other/model": whole}


def test_what_another_snapshot_has_stays(hub: HubServer, pull_all: Pull) -> None:
    old = hub.add(REPO, FILES)
    pull_all()
    new = hub.add(REPO, FILES | {"README.md": b"# New\n"})
    pull_all()
    assert delete_files(REPO, old, list(FILES)) == len(FILES["README.md"])
    assert (here(MODEL), here("README.md")) == (WEIGHTS, b"# New\n")
    assert find_snapshot(REPO, old) is None
    assert theirs() == {REPO: len(WEIGHTS) + len(PROJECTOR) + 6}
    assert delete_files(REPO, new, list(FILES)) == len(WEIGHTS) + len(PROJECTOR) + 6
    assert theirs() == {}


def test_two_names_of_one_blob(hub: HubServer, pull_all: Pull) -> None:
    commit = hub.add(REPO, {"a.gguf": WEIGHTS, "b.gguf": WEIGHTS})
    pull_all()
    assert delete_files(REPO, commit, ["a.gguf"]) == 0
    assert here("b.gguf") == WEIGHTS
    assert delete_files(REPO, commit, ["b.gguf"]) == len(WEIGHTS)


def test_files_of_the_library_too(hub: HubServer, cache: Path) -> None:
    """With all that it keeps beside them."""
    from huggingface_hub import snapshot_download

    commit = hub.add(REPO, FILES)
    snapshot_download(REPO)
    assert delete_files(REPO, commit, list(FILES)) == sum(len(content) for content in FILES.values())
    assert not (cache / "models--someone--model").exists()


def test_files_that_are_no_links(hub: HubServer, pull_all: Pull, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_DISABLE_SYMLINKS", "1")
    commit = hub.add(REPO, FILES)
    pull_all()
    assert delete_files(REPO, commit, [MODEL]) == len(WEIGHTS)
    assert here(MODEL) is None
    assert here(MMPROJ) == PROJECTOR


def test_a_blob_that_is_shared_with_others_stays_theirs(
    hub: HubServer, cache: Path, tmp_path: Path, pull_all: Pull
) -> None:
    """The library may keep one copy for several repositories, and link to it."""
    commit = hub.add(REPO, FILES)
    pull_all()
    snapshot = find_snapshot(REPO)
    assert snapshot is not None
    assert snapshot.folder is not None
    blob = (snapshot.folder / MODEL).resolve()
    os.replace(blob, tmp_path / "shared")
    blob.symlink_to(tmp_path / "shared")
    assert delete_files(REPO, commit, [MODEL]) == 0
    assert (tmp_path / "shared").read_bytes() == WEIGHTS
    assert not os.path.lexists(blob)


def test_a_link_out_of_the_cache_is_not_followed(hub: HubServer, tmp_path: Path, pull_all: Pull) -> None:
    commit = hub.add(REPO, FILES)
    pull_all()
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(b"mine")
    snapshot = find_snapshot(REPO)
    assert snapshot is not None
    assert snapshot.folder is not None
    (snapshot.folder / "link.gguf").symlink_to(mine)
    assert delete_files(REPO, commit, ["link.gguf", "../../../../../mine.gguf"]) == 0
    assert mine.read_bytes() == b"mine"
    assert delete_files(REPO, "../..", ["mine.gguf"]) == 0
    assert delete_files("../..", commit, ["mine.gguf"]) == 0


def test_what_is_being_pulled_is_not_removed(hub: HubServer, pull_all: Pull) -> None:
    commit = hub.add(REPO, FILES)
    pull_all()
    etag = hub.repositories[REPO].commits[commit][MODEL].etag
    with locked(lock_path(REPO, etag)), pytest.raises(ModelError, match="being pulled at this moment"):
        delete_files(REPO, commit, list(FILES))
    assert [here(path) for path in FILES] == list(FILES.values())


# --- leftovers ----------------------------------------------------------------------------------------------


def break_off(hub: HubServer) -> None:
    hub.fault = Fault(cut_after=700_000)
    repository = list_repository(REPO)
    events = pull(repository, repository.files[:1])
    assert any(isinstance(event, Retrying) for event in events)
    events.close()  # type: ignore[attr-defined]
    hub.fault = None


def test_what_an_interrupted_pull_left(hub: HubServer, cache: Path) -> None:
    assert partials() == []
    hub.add(REPO, FILES)
    break_off(hub)
    theirs()
    (path,) = partial_files(cache)
    os.utime(path, (time.time() - 3600,) * 2)
    (leftover,) = partials()
    assert (leftover.path, leftover.size_bytes, leftover.repo_id) == (path, 700_000, REPO)
    assert 3600 <= leftover.age_s < 3700
    assert drop_partials([leftover]) == 700_000
    assert partials() == []
    assert not (cache / "models--someone--model").exists()
    assert drop_partials([leftover]) == 0


def test_a_partial_that_is_being_filled_stays(hub: HubServer, cache: Path) -> None:
    hub.add(REPO, FILES)
    repository = list_repository(REPO)
    break_off(hub)
    with locked(lock_path(REPO, repository.files[0].etag)):
        assert drop_partials(partials()) == 0
    assert len(partials()) == 1


def test_a_partial_outlives_the_files_beside_it(hub: HubServer, pull_all: Pull) -> None:
    commit = hub.add(REPO, FILES)
    pull_all(MMPROJ)
    break_off(hub)
    assert delete_files(REPO, commit, [MMPROJ]) == len(PROJECTOR)
    assert [leftover.size_bytes for leftover in partials()] == [700_000]
    assert theirs() in ({}, {REPO: 0})
    hub.forget()
    pull_all(MODEL)
    assert hub.bytes_sent == len(WEIGHTS) - 700_000
