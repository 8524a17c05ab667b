"""`vlm pull`, and a question to a model that was pulled, with the real library against a Hub on this machine."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.hub.server import Fault, HubServer
from vlmcli import demo
from vlmcli.errors import ModelNotHere
from vlmcli.models.hub import Pulled

Run = Callable[..., Any]

REPO = "someone/tiny-llava-gguf"
DECODER, PROJECTOR = demo.DECODER.read_bytes(), demo.PROJECTOR.read_bytes()
FILES = {"tiny-Q8_0.gguf": DECODER, "mmproj-tiny-f16.gguf": PROJECTOR, "README.md": b"# tiny\n"}


@pytest.fixture
def tiny(hub: HubServer) -> HubServer:
    """The model in the box, as somebody's repository."""
    hub.add(REPO, FILES)
    return hub


def test_pull_then_ask(vlm: Run, tiny: HubServer, picture: str) -> None:
    result = vlm("pull", f"hf:{REPO}")
    assert result.code == 0, result.stderr
    assert result.stdout == ""
    assert f"vlm describe PICTURE --model hf:{REPO}" in result.stderr
    asked = vlm("ask", picture, "What is the background?", "--model", f"hf:{REPO}", "--format", "json")
    assert asked.code == 0, asked.stderr
    record = json.loads(asked.stdout)
    assert (record["text"], record["model"]) == ("The background is white.", f"hf:{REPO}")


def test_what_is_here_is_not_fetched_again(vlm: Run, tiny: HubServer) -> None:
    vlm("pull", f"hf:{REPO}")
    tiny.forget()
    result = vlm("pull", f"hf:{REPO}:Q8_0")
    assert result.code == 0
    assert tiny.bytes_sent == 0
    assert f"hf:{REPO}:Q8_0 is here" in result.stderr


def test_a_newer_version_is_fetched_and_the_old_one_pruned(vlm: Run, tiny: HubServer) -> None:
    vlm("pull", f"hf:{REPO}")
    tiny.add(REPO, {**FILES, "tiny-Q8_0.gguf": DECODER + bytes(32)})
    assert vlm("pull", f"hf:{REPO}").code == 0
    assert tiny.bytes_sent == 2 * len(DECODER) + 32 + len(PROJECTOR), "the projector is the same"
    pruned = vlm("models", "prune")
    assert pruned.code == 0
    assert "replaced version" in pruned.stdout
    assert vlm("models", "show", f"hf:{REPO}").code == 0


def test_one_model_that_is_here_needs_no_name(vlm: Run, tiny: HubServer, picture: str) -> None:
    none = vlm("describe", picture)
    assert none.code == 4
    assert "vlm pull llava" in none.stderr
    vlm("pull", f"hf:{REPO}")
    assert vlm("describe", picture).code == 0
    tiny.add("someone/other-gguf", FILES)
    vlm("pull", "hf:someone/other-gguf")
    two = vlm("describe", picture)
    assert two.code == 4
    assert f"vlm models default hf:{REPO}" in two.stderr
    assert vlm("models", "default", f"hf:{REPO}").code == 0
    assert vlm("describe", picture).code == 0


def test_dry_run_lists_files_and_fetches_nothing(vlm: Run, tiny: HubServer, tmp_path: Path) -> None:
    result = vlm("pull", "--dry-run", f"hf:{REPO}")
    assert result.code == 0
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert [row[0] for row in rows] == ["tiny-Q8_0.gguf", "mmproj-tiny-f16.gguf"]
    assert all(row[3].startswith(str(tmp_path / "cache")) for row in rows)
    assert tiny.bytes_sent == 0
    assert result.stderr.endswith("MB to fetch.\n")


def test_a_model_that_is_not_here_says_what_to_type(vlm: Run, hub: HubServer, picture: str) -> None:
    result = vlm("describe", picture, "--model", "llava-1.6-mistral-7b")
    assert result == (4, "", "vlm: llava-1.6-mistral-7b is not on this machine.\n  vlm pull llava-1.6-mistral-7b\n")


def test_an_unknown_name_says_the_nearest(vlm: Run, picture: str) -> None:
    for command in (("pull", "lava-1.6"), ("describe", picture, "--model", "lava-1.6")):
        result = vlm(*command)
        assert result.code == 4
        assert "There is no model named 'lava-1.6'." in result.stderr
        assert "vlm pull llava" in result.stderr


def test_a_quantization_that_is_not_there_lists_those_that_are(vlm: Run, tiny: HubServer) -> None:
    result = vlm("pull", f"hf:{REPO}:Q4_K_M")
    assert result.code == 4
    assert f"vlm pull hf:{REPO}:Q8_0" in result.stderr


def test_files_that_do_not_fit_are_refused_after_the_pull(vlm: Run, hub: HubServer, tmp_path: Path) -> None:
    from tests.engine.tiny_gguf import write

    wide = write(tmp_path / "wide.gguf", {"general.architecture": "llama", "llama.embedding_length": 64})
    hub.add(REPO, FILES | {"tiny-Q8_0.gguf": wide.read_bytes()})
    result = vlm("pull", f"hf:{REPO}")
    assert result.code == 4
    assert "64" in result.stderr
    assert "they are not of one model" in result.stderr


def test_a_wrong_byte_is_never_a_model(vlm: Run, tiny: HubServer, picture: str) -> None:
    tiny.fault = Fault(where="content", corrupt_at=1000)
    result = vlm("pull", f"hf:{REPO}")
    assert result.code == 4
    assert "checksum" in result.stderr
    assert vlm("describe", picture, "--model", f"hf:{REPO}").code == 4
    assert vlm("pull", f"hf:{REPO}").code == 0


def test_without_a_network_what_is_here_works(
    vlm: Run, tiny: HubServer, picture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    vlm("pull", f"hf:{REPO}")
    tiny.__exit__()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    result = vlm("pull", f"hf:{REPO}")
    assert result.code == 0
    assert "not asked for a newer version" in result.stderr
    assert f"hf:{REPO} is here." in result.stderr
    assert vlm("describe", picture, "--model", f"hf:{REPO}").code == 0


def test_a_task_offers_the_pull_to_a_person(on_terminal: Callable[..., Any], tiny: HubServer, picture: str) -> None:
    shown = on_terminal("describe", picture, "--model", f"hf:{REPO}", typed="\n")
    assert shown.code == 0, shown.text
    assert f"hf:{REPO} is not on this machine." in shown.text
    assert "Fetch it now: 13.3 MB? [Y/n]" in shown.text
    assert shown.lines[-1].startswith("A ")


def test_the_offer_can_be_refused(on_terminal: Callable[..., Any], tiny: HubServer, picture: str) -> None:
    shown = on_terminal("describe", picture, "--model", f"hf:{REPO}", typed="n\n")
    assert shown.code == 4
    assert f"vlm pull hf:{REPO}" in shown.text
    assert tiny.bytes_sent == 0


def test_a_gated_model_says_where_to_accept_its_licence(on_terminal: Callable[..., Any], hub: HubServer) -> None:
    hub.add(REPO, FILES, gated=True)
    shown = on_terminal("pull", f"hf:{REPO}", columns=120)
    assert shown.code == 4
    assert f"Accept it at {hub.url}/{REPO}" in shown.text
    assert "HF_TOKEN" in shown.text
    assert "0.0/" not in shown.text, "no bars where nothing came"


def test_ctrl_c_keeps_what_has_come(
    start_vlm: Callable[..., subprocess.Popen[bytes]], tiny: HubServer, vlm: Run
) -> None:
    import signal
    import time

    tiny.bytes_per_s = 2_000_000
    process = start_vlm("pull", f"hf:{REPO}")
    while tiny.bytes_sent < 1_000_000:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"vlm pull hf:{REPO}" in stderr.decode()
    tiny.bytes_per_s = 0
    assert vlm("pull", f"hf:{REPO}").code == 0
    assert tiny.bytes_sent < len(DECODER) + len(PROJECTOR) + 2_000_000


def test_a_mistyped_repository_says_the_nearest_names(vlm: Run, hub: HubServer) -> None:
    result = vlm("pull", "hf:cjpais/llava-1.6-mistral-7")
    assert result.code == 4
    assert "There is no model cjpais/llava-1.6-mistral-7" in result.stderr
    assert "vlm pull llava-1.6-mistral-7b" in result.stderr


def test_from_python(tiny: HubServer, picture: str) -> None:
    from vlmcli import Vlm, pull

    with pytest.raises(ModelNotHere):
        Vlm(f"hf:{REPO}")
    events: list[object] = []
    pull(f"hf:{REPO}", events.append)
    assert sum(isinstance(event, Pulled) for event in events) == 2
    with Vlm(f"hf:{REPO}") as vlm:
        assert vlm.ask(picture, "What is the background?").text == "The background is white."


def test_pull_says_no_to_what_is_no_name(vlm: Run) -> None:
    assert "in the box is here" in vlm("pull", "demo").stderr
    assert vlm("pull", "demo").code == 2
    assert vlm("pull", "model.gguf").code == 2
    assert "vlm pull hf:someone/model" in vlm("pull", "someone/model").stderr
    assert vlm("pull").code == 2


def test_an_address_of_the_hub_that_cannot_be_read(vlm_process: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    result = vlm_process("pull", "smolvlm-500m", env={"HF_ENDPOINT": "http://[::1"})
    said = "vlm: HF_ENDPOINT is 'http://[::1', which is no web address.\n  export HF_ENDPOINT=https://HOST\n"
    assert (result.code, result.stderr) == (2, said)


def test_a_home_of_hugging_face_that_is_a_file(
    vlm_process: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    (tmp_path / "file").touch()
    result = vlm_process("pull", "smolvlm-500m", env={"HF_HOME": str(tmp_path / "file")})
    assert result.code == 4
    assert f"{tmp_path}/file/token: not a directory.\n  It is named by HF_HOME: export HF_HOME=" in result.stderr
