"""Which models are on this machine, in a cache that vlm shares with other programs."""

from __future__ import annotations

from huggingface_hub import hf_hub_download

from tests.hub.server import HubServer
from vlmcli.demo import DECODER, PROJECTOR
from vlmcli.models.installed import list_installed
from vlmcli.models.pulling import fetch_files, plan_pull

REPO = "Someone/Tiny-GGUF"
FILES = {"tiny-F16.gguf": DECODER.read_bytes(), "mmproj-tiny-f16.gguf": PROJECTOR.read_bytes()}


def test_other_kinds_of_models_in_the_same_cache_are_passed_over(hub: HubServer) -> None:
    hub.add("someone/bert", {"config.json": b"{}", "model.safetensors": b"x"})
    hf_hub_download("someone/bert", "config.json")
    assert list(list_installed()) == []
    _pull(hub, FILES)
    assert [found.name for found in list_installed()] == [f"hf:{REPO}"]


def test_the_newest_revision_is_the_one_that_is_meant_and_older_ones_hide_nothing(hub: HubServer) -> None:
    for version in range(6):
        _pull(hub, {**FILES, "README.md": b"%d" % version})
    assert [found.name for found in list_installed()] == [f"hf:{REPO}"]


def _pull(hub: HubServer, files: dict[str, bytes]) -> None:
    hub.add(REPO, files)
    for _ in fetch_files(plan_pull(f"hf:{REPO}")):
        pass
