"""The test Hub itself: the real library takes it for the real one."""

from __future__ import annotations

from http.client import IncompleteRead
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.hub.server import Fault, HubServer

WEIGHTS = bytes(range(256)) * 4000
FILES = {"model-Q4_K_M.gguf": WEIGHTS, "README.md": b"# A model\n", "sub/config.json": b"{}"}


def test_the_library_downloads_from_it(hub: HubServer, tmp_path: Path) -> None:
    from huggingface_hub import hf_hub_download, snapshot_download

    commit = hub.add("someone/model", FILES)
    path = hf_hub_download("someone/model", "model-Q4_K_M.gguf")
    assert Path(path).read_bytes() == WEIGHTS
    assert commit in path
    folder = Path(snapshot_download("someone/model"))
    assert {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()} == set(FILES)


def test_the_library_reads_its_lists(hub: HubServer) -> None:
    from huggingface_hub import HfApi

    commit = hub.add("someone/model", FILES, licence="mit", gated=True)
    info = HfApi(endpoint=hub.url).model_info("someone/model", files_metadata=True)
    assert (info.sha, info.gated) == (commit, "manual")
    sizes = {sibling.rfilename: sibling.size for sibling in info.siblings or []}
    assert sizes == {path: len(content) for path, content in FILES.items()}


def test_the_library_understands_its_refusals(hub: HubServer) -> None:
    from huggingface_hub import HfApi, errors, hf_hub_download

    hub.add("someone/gated", FILES, gated=True)
    with pytest.raises(errors.GatedRepoError):
        hf_hub_download("someone/gated", "README.md")
    with pytest.raises(errors.RepositoryNotFoundError):
        hf_hub_download("someone/nothing", "README.md", token="hf_good")
    hub.add("someone/open", FILES)
    with pytest.raises(errors.EntryNotFoundError):
        hf_hub_download("someone/open", "nothing.gguf")
    with pytest.raises(errors.RevisionNotFoundError):
        HfApi(endpoint=hub.url).model_info("someone/open", revision="nothing")


def test_faults_are_counted_down(hub: HubServer) -> None:
    hub.add("someone/model", FILES)
    hub.fault = Fault(cut_after=1000)
    url = f"{hub.url}/someone/model/resolve/main/model-Q4_K_M.gguf"
    with urlopen(url) as answer, pytest.raises(IncompleteRead) as failure:
        answer.read()
    assert failure.value.partial == WEIGHTS[:1000]
    with urlopen(url) as answer:
        assert answer.read() == WEIGHTS
    assert [request.server for request in hub.gets()] == ["hub", "content"] * 2
    assert hub.bytes_sent == len(WEIGHTS) + 1000
