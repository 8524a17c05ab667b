"""Where the cache is and what is in it, as the library of Hugging Face sees it."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hub.conftest import FILES, PROJECTOR, REPO, WEIGHTS, Pull
from tests.hub.server import HubServer
from vlmcli.models.hub import cache_dir, cached_repositories, find_snapshot, is_offline, repo_folder
from vlmcli.models.repository import RepoFile

PLACES = {
    "HF_HUB_CACHE": (None, "/a/cache", "~/cache", "$PLACE/cache"),
    "HUGGINGFACE_HUB_CACHE": (None, "~/older", "$PLACE/older"),
    "HF_HOME": (None, "/a/home", "~/hf", "$PLACE/hf"),
    "XDG_CACHE_HOME": (None, "/a/xdg", "~/xdg"),
}
COMBINATIONS = [
    {name: value for name, value in zip(PLACES, values, strict=True) if value is not None}
    for values in itertools.product(*PLACES.values())
]
ASK_ALL = """
import importlib, json, os, sys
from huggingface_hub import constants
found = []
for environment in json.load(sys.stdin):
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        os.environ.pop(name, None)
    os.environ.update(environment)
    importlib.reload(constants)
    found.append(constants.HF_HUB_CACHE)
json.dump(found, sys.stdout)
"""


def test_the_cache_is_where_the_library_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACE", "/some/place")
    done = subprocess.run(
        [sys.executable, "-c", ASK_ALL], input=json.dumps(COMBINATIONS), capture_output=True, text=True, check=True
    )
    ours = []
    for environment in COMBINATIONS:
        with monkeypatch.context() as patch:
            for name in PLACES:
                patch.delenv(name, raising=False)
            for name, value in environment.items():
                patch.setenv(name, value)
            ours.append(str(cache_dir()))
    assert ours == json.loads(done.stdout)
    assert len(set(ours)) > 8


@pytest.mark.parametrize("value", ["1", "on", "YES", "true", "0", "", "no", "2"])
@pytest.mark.parametrize("name", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_offline_is_what_the_library_calls_offline(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    for variable in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(name, value)
    import importlib.util

    # Its constants anew, under another name, so that those of this process stay.
    found = importlib.util.find_spec("huggingface_hub.constants")
    assert found is not None
    assert found.loader is not None
    constants = importlib.util.module_from_spec(found)
    found.loader.exec_module(constants)
    assert is_offline() == constants.HF_HUB_OFFLINE


def test_the_folder_of_a_repository_is_the_librarys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub.file_download import repo_folder_name

    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    for repo_id in (REPO, "gpt2", "A-b_c.d/E.f_g-h"):
        assert repo_folder(repo_id) == tmp_path / repo_folder_name(repo_id=repo_id, repo_type="model")


def test_a_snapshot_of_the_library(hub: HubServer) -> None:
    """Sizes from the disk, hashes from the names of the blobs."""
    from huggingface_hub import snapshot_download

    commit = hub.add(REPO, FILES | {"sub/a.gguf": PROJECTOR + b"!"})
    folder = Path(snapshot_download(REPO))
    stored = hub.repositories[REPO].commits[commit]
    for revision in ("main", commit):
        found = find_snapshot(REPO, revision)
        assert found is not None
        assert (found.id, found.commit, found.revision, found.folder) == (REPO, commit, revision, folder)
        assert set(found.files) == {
            RepoFile("model-Q4_K_M.gguf", len(WEIGHTS), sha256=stored["model-Q4_K_M.gguf"].sha256),
            RepoFile("mmproj-model-f16.gguf", len(PROJECTOR), sha256=stored["mmproj-model-f16.gguf"].sha256),
            RepoFile("sub/a.gguf", len(PROJECTOR) + 1, sha256=stored["sub/a.gguf"].sha256),
            RepoFile("README.md", 10, blob_id=stored["README.md"].blob_id),
        }


def test_all_that_is_here(hub: HubServer, pull_all: Pull, cache: Path) -> None:
    from huggingface_hub import scan_cache_dir

    assert list(cached_repositories()) == []
    old = hub.add(REPO, FILES)
    pull_all()
    new = hub.add(REPO, FILES | {"README.md": b"# New\n"})
    pull_all()
    tagged = hub.add("other/model", {"a.gguf": PROJECTOR}, revision="v1")
    pull_all(repo_id="other/model", revision="v1")
    repos = scan_cache_dir(cache_dir()).repos
    theirs = {(repo.repo_id, revision.commit_hash) for repo in repos for revision in repo.revisions}
    (cache / "datasets--a--b" / "snapshots" / old).mkdir(parents=True)
    (cache / "models--broken").mkdir()
    (cache / "models--a--b" / "snapshots" / "not-a-commit").mkdir(parents=True)
    (cache / "models--a--b" / "refs").mkdir()
    (cache / "models--a--b" / "refs" / "main").write_bytes(b"\xff")
    found = {(repository.id, repository.commit): repository.revision for repository in cached_repositories()}
    assert found == {(REPO, old): old, (REPO, new): "main", ("other/model", tagged): "v1"}
    assert set(found) == theirs


def test_what_is_not_here(hub: HubServer, pull_all: Pull) -> None:
    assert find_snapshot(REPO) is None
    commit = hub.add(REPO, FILES)
    pull_all()
    for repo_id, revision in [
        ("someone/other", "main"),
        (REPO, "other"),
        (REPO, "f" * 40),
        (REPO, f"../snapshots/{commit}"),
        (REPO, "..\0"),
        ("../..", "main"),
        ("", ""),
    ]:
        assert find_snapshot(repo_id, revision) is None


def test_a_link_to_nothing_is_not_a_file(hub: HubServer, pull_all: Pull, cache: Path) -> None:
    hub.add(REPO, FILES)
    pull_all()
    snapshot = find_snapshot(REPO)
    assert snapshot is not None
    assert snapshot.folder is not None
    (snapshot.folder / "README.md").resolve().unlink()
    (snapshot.folder / ".DS_Store").write_bytes(b"")
    os.mkdir(snapshot.folder / "empty")
    found = find_snapshot(REPO)
    assert found is not None
    assert {file.path for file in found.files} == set(FILES) - {"README.md"}
