"""A pull that goes well: the events, and one cache with the library of Hugging Face."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest

from tests.hub.conftest import FILES, PROJECTOR, REPO, WEIGHTS, Pull, here, partial_files
from tests.hub.repositories import Repeated
from tests.hub.server import HubServer
from vlmcli.models.hub import Begun, Progress, Pulled, cache_dir, find_snapshot, list_repository, pull


def test_the_events_tell_the_whole_story(hub: HubServer, cache: Path, pull_all: Pull) -> None:
    commit = hub.add(REPO, FILES)
    events = pull_all("model-Q4_K_M.gguf", "README.md")
    folder = cache / "models--someone--model" / "snapshots" / commit
    begun = events[0]
    assert isinstance(begun, Begun)
    assert (begun.here_bytes, begun.folder) == ((0, 0), folder)
    assert [file.path for file in begun.files] == ["model-Q4_K_M.gguf", "README.md"]
    assert [event.path for event in events if isinstance(event, Pulled)] == [folder / file.path for file in begun.files]
    assert Progress(begun.files[0], len(WEIGHTS)) in events
    assert here("model-Q4_K_M.gguf") == WEIGHTS
    assert not partial_files(cache)


def test_the_library_finds_what_was_pulled(hub: HubServer, cache: Path, pull_all: Pull) -> None:
    from huggingface_hub import hf_hub_download, scan_cache_dir

    commit = hub.add(REPO, FILES | {"sub/folder/config.json": b"{}"})
    pulled = [event for event in pull_all() if isinstance(event, Pulled)]
    hub.forget()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for event in pulled:
            assert hf_hub_download(REPO, event.file.path, local_files_only=True) == str(event.path)
            assert hf_hub_download(REPO, event.file.path) == str(event.path)
            assert hf_hub_download(REPO, event.file.path, revision=commit, local_files_only=True) == str(event.path)
        found = scan_cache_dir(cache_dir())
    assert not hub.gets("content")
    assert not found.warnings
    (repo,) = found.repos
    (revision,) = repo.revisions
    assert (repo.repo_id, revision.commit_hash, revision.refs) == (REPO, commit, {"main"})
    assert {file.file_path for file in revision.files} == {event.path for event in pulled}
    assert found.size_on_disk == sum(len(content) for content in FILES.values()) + 2


def test_what_the_library_downloaded_is_used(hub: HubServer, pull_all: Pull) -> None:
    from huggingface_hub import hf_hub_download

    hub.add(REPO, FILES)
    paths = {path: hf_hub_download(REPO, path) for path in FILES}
    hub.forget()
    events = pull_all()
    assert hub.bytes_sent == 0
    assert not hub.gets(path="resolve")
    assert {event.file.path: str(event.path) for event in events if isinstance(event, Pulled)} == paths
    assert isinstance(events[0], Begun)
    assert events[0].here_bytes == tuple(len(content) for content in FILES.values())


def test_links_are_relative_and_of_the_librarys_making(hub: HubServer, cache: Path, pull_all: Pull) -> None:
    commit = hub.add(REPO, {"deep/er/a.gguf": WEIGHTS})
    pull_all()
    folder = cache / "models--someone--model"
    (blob,) = (folder / "blobs").iterdir()
    link = folder / "snapshots" / commit / "deep" / "er" / "a.gguf"
    assert os.readlink(link) == os.path.join("..", "..", "..", "..", "blobs", blob.name)
    assert (folder / "refs" / "main").read_text() == commit


def test_a_second_pull_asks_nobody_but_the_list(hub: HubServer, pull_all: Pull) -> None:
    hub.add(REPO, FILES)
    pull_all()
    hub.forget()
    events = pull_all()
    assert [type(event).__name__ for event in events] == ["Begun", "Pulled", "Pulled", "Pulled"]
    assert [request.path for request in hub.gets()] == [f"/api/models/{REPO}/revision/main?blobs=true"]


def test_a_file_that_did_not_change_is_linked_into_the_new_commit(hub: HubServer, pull_all: Pull) -> None:
    old = hub.add(REPO, FILES)
    pull_all()
    new = hub.add(REPO, FILES | {"README.md": b"# The model, corrected\n"})
    hub.forget()
    pull_all()
    assert hub.bytes_sent == len(b"# The model, corrected\n")
    assert here("README.md") == b"# The model, corrected\n"
    assert here("README.md", revision=old) == FILES["README.md"]
    assert here("model-Q4_K_M.gguf", revision=new) == WEIGHTS


def test_two_names_of_one_content_come_once(hub: HubServer, pull_all: Pull) -> None:
    hub.add(REPO, {"a.gguf": WEIGHTS, "b.gguf": WEIGHTS})
    pull_all()
    assert hub.bytes_sent == len(WEIGHTS)
    assert (here("a.gguf"), here("b.gguf")) == (WEIGHTS, WEIGHTS)


@pytest.mark.parametrize("path", ["empty.txt", "empty.gguf"])
def test_an_empty_file_is_a_file(hub: HubServer, pull_all: Pull, path: str) -> None:
    hub.add(REPO, {path: b""})
    pull_all()
    assert here(path) == b""


def test_other_revisions_by_branch_tag_and_commit(hub: HubServer, pull_all: Pull) -> None:
    hub.add(REPO, FILES)
    other = hub.add(REPO, {"a.gguf": PROJECTOR}, revision="refs/pr/1")
    pull_all(revision="refs/pr/1")
    assert here("a.gguf", revision="refs/pr/1") == PROJECTOR
    assert here("a.gguf", revision=other) == PROJECTOR
    assert find_snapshot(REPO) is None
    hub.forget()
    pull_all(revision=other)
    assert hub.bytes_sent == 0


def test_the_name_of_the_revision_moves_with_the_last_file(hub: HubServer, pull_all: Pull) -> None:
    """A model that is here works until the new one is whole."""
    old = hub.add(REPO, FILES)
    pull_all()
    hub.add(REPO, {path: content + b"new" for path, content in FILES.items()})
    repository = list_repository(REPO)
    events = pull(repository, repository.files)
    for event in events:
        if isinstance(event, Pulled):
            break
    events.close()  # type: ignore[attr-defined]
    snapshot = find_snapshot(REPO)
    assert snapshot is not None
    assert snapshot.commit == old
    pull_all()
    assert here("README.md") == FILES["README.md"] + b"new"


def test_the_token_goes_to_the_hub_alone(hub: HubServer, pull_all: Pull, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_good")
    hub.add(REPO, FILES, gated=True, private=True)
    pull_all()
    assert {request.headers.get("authorization") for request in hub.gets("hub")} == {"Bearer hf_good"}
    assert [request.headers.get("authorization") for request in hub.gets("content")] == [None, None]
    assert all(request.headers["accept-encoding"] == "identity" for request in hub.gets(path="resolve"))
    assert all("vlm/" in request.headers["user-agent"] for request in hub.gets())


def test_the_stored_token_serves_too(hub: HubServer, tmp_path: Path, pull_all: Pull) -> None:
    (tmp_path / "token").write_text("hf_good")
    hub.add(REPO, FILES, gated=True)
    pull_all()
    assert here("model-Q4_K_M.gguf") == WEIGHTS


@pytest.mark.parametrize("variable", ["HF_HUB_DISABLE_SYMLINKS", ""])
def test_without_links_the_file_itself_is_there(
    hub: HubServer, cache: Path, pull_all: Pull, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """By the user's wish, or because the system refuses them."""
    from huggingface_hub import constants, hf_hub_download

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_SYMLINKS", True, raising=False)  # releases before 2 have none
    if variable:
        monkeypatch.setenv(variable, "1")
    else:
        monkeypatch.setattr(os, "symlink", refuse)
    hub.add(REPO, FILES)
    pulled = [event for event in pull_all() if isinstance(event, Pulled)]
    assert not any(event.path.is_symlink() for event in pulled)
    assert here("model-Q4_K_M.gguf") == WEIGHTS
    snapshot = find_snapshot(REPO)
    assert snapshot is not None
    assert {(file.path, file.size_bytes, file.etag) for file in snapshot.files} == {
        (path, len(content), "") for path, content in FILES.items()
    }
    assert hf_hub_download(REPO, "README.md", local_files_only=True) == str(pulled[2].path)
    hub.forget()
    pull_all()
    assert hub.bytes_sent == 0
    # A blob that is there already may be another snapshot's: it is copied.
    blob = cache / "models--someone--model" / "blobs" / pulled[0].file.etag
    os.replace(pulled[0].path, blob)
    pull_all()
    assert (here("model-Q4_K_M.gguf"), blob.read_bytes(), hub.bytes_sent) == (WEIGHTS, WEIGHTS, 0)


def test_a_blob_of_the_wrong_size_is_replaced(hub: HubServer, cache: Path, pull_all: Pull) -> None:
    hub.add(REPO, FILES)
    pull_all()
    blob = (cache / "models--someone--model" / "snapshots" / list_repository(REPO).commit / "README.md").resolve()
    blob.write_bytes(b"#")
    pull_all()
    assert here("README.md") == FILES["README.md"]


def test_the_bytes_are_not_kept_in_memory(hub: HubServer, tmp_path: Path) -> None:
    """Peak memory of a whole process that pulls 200 MB. (Linux counts that of the one it was forked from, too, in
    ru_maxrss: VmHWM is its own.)"""
    import json
    import subprocess
    import sys

    hub.add(REPO, {"large.gguf": Repeated(WEIGHTS, 200 * 10**6)})
    script = """if True:
        import json, resource, sys
        from vlmcli.models.hub import list_repository, pull
        repository = list_repository("someone/model")
        for event in pull(repository, repository.files): pass
        status = open("/proc/self/status").read() if sys.platform == "linux" else ""
        kb = status.partition("VmHWM:")[2].split()
        print(json.dumps([int(kb[0]) if kb else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, str(event.path)]))
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    peak_kb, path = json.loads(done.stdout)
    assert Path(path).stat().st_size == 200 * 10**6
    assert peak_kb * (1 if sys.platform == "darwin" else 1024) < 150 * 10**6
