"""What the doctor says of settings, folders, models and the Hub, each fault produced for real where it can be."""

from __future__ import annotations

import json
import shutil
import sys
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_cli_pull import DECODER, FILES, REPO
from tests.hub.server import Fault, HubServer
from vlmcli.models.hub.partial import SUFFIX

Run = Callable[..., Any]
NAME = f"hf:{REPO}"


def lines_of(result: Any) -> list[str]:
    assert result.stderr == ""
    return [line for line in result.stdout.splitlines()[:-1] if line]


# --- pictures -----------------------------------------------------------------------------------------------


def test_formats_that_an_extra_would_add_are_no_fault_of_pillow(examine: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for package, module in (("pypdfium2", "vlmcli.images.pdf"), ("pillow_heif", "vlmcli.images.heic")):
        monkeypatch.setitem(sys.modules, package, None)
        monkeypatch.delitem(sys.modules, module, raising=False)
    result = examine("pictures")
    assert result.code == 0
    assert lines_of(result)[0].startswith("ok       pictures: Pillow ")
    assert lines_of(result)[0].endswith("; HEIF after pip install 'vlmcli[heic]'; PDF after pip install 'vlmcli[pdf]'")


# --- settings -----------------------------------------------------------------------------------------------


def test_a_broken_settings_file(examine: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('model = "llava"\nthreads =\n')
    monkeypatch.setenv("VLM_CONFIG", str(path))
    result = examine("settings")
    assert result.code == 1
    assert lines_of(result)[0].startswith(f"problem  settings: {path}, line 2")
    assert lines_of(result)[1].strip() == "vlm config edit"


def test_the_chosen_model_is_not_here(examine: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLM_MODEL", "smolvlm-500m")
    result = examine("settings")
    assert result.code == 0
    assert lines_of(result) == [
        "warning  settings: in the environment, the model is smolvlm-500m, which is not here",
        "         vlm pull smolvlm-500m",
    ]
    monkeypatch.setenv("VLM_MODEL", "no-such-thing")
    result = examine("settings")
    assert result.code == 1
    assert lines_of(result)[0].startswith("problem  settings: in the environment, the model is no-such-thing: ")


def test_a_server_that_is_not_there(examine: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert examine("server").stdout == "\nAll is well.\n", "none is set"
    monkeypatch.setenv("VLM_ENGINE", "http://127.0.0.1:9")
    monkeypatch.setenv("VLM_MODEL", "of-the-server")
    result = examine("settings", "server")
    assert result.code == 1
    assert lines_of(result)[0].startswith("ok       settings: ")
    assert lines_of(result)[1].startswith("problem  server: ")
    assert "127.0.0.1" in lines_of(result)[1]
    assert "127.0.0.1" not in examine("server", options=("--json",)).stdout


@pytest.mark.parametrize("engine", ["llama", "ray"])
def test_an_engine_of_models_here_is_no_server(examine: Run, monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    monkeypatch.setenv("VLM_ENGINE", engine)
    monkeypatch.setenv("VLM_MODEL", "demo")
    assert lines_of(examine("settings", "server")) == ["ok       settings: in the environment, the model is demo"]


def test_a_server_whose_address_cannot_be_read(examine: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLM_ENGINE", "http://[::1")
    for options in ((), ("--json",)):
        result = examine("server", options=options)
        assert result.code == 1
        assert "The address of the server cannot be read." in result.stdout
        assert "itself failed" not in result.stdout


# --- folders ------------------------------------------------------------------------------------------------


@pytest.fixture
def cache_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLM_CACHE", "on")


def test_a_cache_that_works(examine: Run, cache_on: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VLM_CACHE_DIR", str(tmp_path / "new"))
    result = examine("cache")
    (line,) = lines_of(result)
    assert line.startswith(f"ok       cache: 0 B of at most 8.3 GB in {tmp_path / 'new'}, ")
    assert result.stdout.endswith("All is well.\n")
    assert not (tmp_path / "new").exists(), "nothing is made by looking"


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/vlm"])
def test_a_cache_that_cannot_be_written(
    examine: Run, cache_on: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str
) -> None:
    if place.startswith("/proc") and sys.platform != "linux":
        pytest.skip("there is no such folder")
    (tmp_path / "file").write_text("")
    folder = tmp_path / place  # an absolute place stays what it is
    monkeypatch.setenv("VLM_CACHE_DIR", str(folder))
    result = examine("cache")
    assert result.code == 0, "answers come without it"
    assert lines_of(result)[0].startswith(f"warning  cache: {folder} cannot be written: ")
    assert lines_of(result)[1].strip() == "export VLM_CACHE_DIR=/a/folder/with/room"


def test_a_full_disk(examine: Run, cache_on: None, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12 - 4096, 4096))
    lines = lines_of(examine("cache", "model_folder"))
    assert lines[0].startswith("warning  cache: 0 B of at most 8.3 GB in ")
    assert lines[0].endswith("4.1 KB free on that disk")
    assert lines[1].strip() == "vlm cache clear --older-than 7d"
    assert [line for line in lines if line.endswith("4.1 KB free on that disk: too little for most models")]


def test_a_model_folder_that_cannot_be_written(examine: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "file" / "hub"))
    result = examine("model_folder")
    assert result.code == 1
    assert "cannot be written: " in lines_of(result)[0]
    assert lines_of(result)[1].strip() == "export HF_HOME=/a/folder/with/room"


def test_an_unfinished_download(examine: Run, hub: HubServer, tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "models--someone--tiny-llava-gguf" / "blobs"
    folder.mkdir(parents=True)
    (folder / f"{'a' * 64}{SUFFIX}").write_bytes(bytes(70_000))
    result = examine("model_folder")
    assert result.code == 0
    lines = lines_of(result)
    assert lines[1] == "warning  model folder: one unfinished download, 70.0 KB"
    assert lines[-1].strip() == "vlm models prune"


# --- models -------------------------------------------------------------------------------------------------


@pytest.fixture
def pulled(vlm: Run, hub: HubServer) -> HubServer:
    hub.add(REPO, FILES)
    assert vlm("pull", NAME).code == 0
    hub.forget()
    return hub


def blob(tmp_path: Path, name: str) -> Path:
    (link,) = (tmp_path / "cache").glob(f"models--*/snapshots/*/{name}")
    return link.resolve()


def test_a_whole_model(examine: Run, pulled: HubServer) -> None:
    result = examine("models")
    assert result.code == 0
    (line,) = lines_of(result)
    assert line.startswith(f"ok       model {NAME}: ")
    assert line.endswith(" MB, whole")
    assert pulled.requests == []


@pytest.mark.parametrize("name", ["tiny-Q8_0.gguf", "mmproj-tiny-f16.gguf"])
def test_a_truncated_file(examine: Run, vlm: Run, pulled: HubServer, tmp_path: Path, name: str) -> None:
    file = blob(tmp_path, name)
    file.chmod(0o600)
    file.write_bytes(file.read_bytes()[:-1000])
    result = examine("models")
    assert result.code == 1
    lines = lines_of(result)
    assert lines[0].startswith(f"problem  model {NAME}: ")
    assert "it ends before its tensor" in lines[0]
    commands = [line.strip() for line in lines[1:]]
    assert commands == [f"vlm models rm {NAME}", f"vlm pull {NAME}"]
    for command in commands:  # what it says to type mends it
        assert vlm(*command.split()[1:]).code == 0
    assert examine("models").code == 0


def test_a_file_whose_bytes_are_gone(examine: Run, vlm: Run, pulled: HubServer, tmp_path: Path) -> None:
    blob(tmp_path, "tiny-Q8_0.gguf").unlink()
    result = examine("models")
    assert result.code == 1
    assert lines_of(result)[0] == f"problem  model {NAME}: the bytes of tiny-Q8_0.gguf are gone"
    assert vlm(*lines_of(result)[1].split()[1:]).code == 0
    assert examine("models").code == 0


def test_checksums_find_a_turned_bit(examine: Run, pulled: HubServer, tmp_path: Path) -> None:
    good = examine("models", options=("--checksums",))
    assert good.code == 0
    assert "ok       checksum of tiny-Q8_0.gguf: as the Hub says" in good.stdout
    file = blob(tmp_path, "tiny-Q8_0.gguf")
    file.chmod(0o600)
    file.write_bytes(DECODER[:-1] + bytes([DECODER[-1] ^ 1]))
    assert examine("models").code == 0, "size and header are right"
    result = examine("models", options=("--checksums",))
    assert result.code == 1
    assert f"problem  checksum of tiny-Q8_0.gguf: its bytes are not those of the Hub, in {NAME}" in result.stdout


def test_a_model_that_does_not_fit(examine: Run, pulled: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from vlmcli import machine
    from vlmcli.doctor.patient import Patient

    monkeypatch.setattr(machine, "total_memory_bytes", lambda: 5_000_000)
    monkeypatch.setattr(Patient, "build", lambda _: {"devices": []})
    result = examine("models")
    assert result.code == 0
    assert "whole; it needs " in lines_of(result)[0]
    assert "this machine has 5.0 MB" in lines_of(result)[0]


# --- the Hub ------------------------------------------------------------------------------------------------


def test_the_hub_answers(examine: Run, hub: HubServer) -> None:
    result = examine("hub")
    assert result.code == 0
    (line,) = lines_of(result)
    assert line.startswith("ok       Hub: 127.0.0.1:")
    assert len(hub.requests) == 1


def test_the_hub_is_busy(examine: Run, hub: HubServer) -> None:
    hub.fault = Fault(where="api", times=-1, status=503)
    result = examine("hub")
    assert result.code == 1
    assert lines_of(result)[0].endswith(" answers 503.")
    assert "Try again later" in lines_of(result)[1]


def test_without_a_network_what_is_here_still_works(
    examine: Run, pulled: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled.fault = Fault(where="api", times=-1, drop=True)
    result = examine("hub")
    assert result.code == 0, "a model is here"
    assert lines_of(result)[0].startswith("warning  Hub: It cannot be reached: ")


def test_no_network(examine: Run, hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    result = examine("hub")
    assert result.code == 1
    assert lines_of(result)[0] == "problem  Hub: It cannot be reached: 127.0.0.1 refuses the connection."


def test_a_proxy_that_does_not_answer_is_named(vlm_process: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    env = {
        "HTTPS_PROXY": "http://me:secret@127.0.0.1:9",
        "HF_ENDPOINT": "https://mirror.example",
        "VLM_EXTRA_BUFFERS": "on",
    }
    result = vlm_process("doctor", env=env)
    assert "It cannot be reached: " in result.stdout
    assert "It is asked by way of the proxy at 127.0.0.1." in result.stdout
    assert "secret" not in result.stdout


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"HF_ENDPOINT": "http://hub.example", "http_proxy": "http://[::1"}, "The settings for proxies"),
        ({"HF_ENDPOINT": "https://[::1"}, "which is no web address."),
    ],
    ids=["proxy", "endpoint"],
)
def test_an_address_that_cannot_be_read(
    examine: Run, hub: HubServer, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for options in ((), ("--json",)):
        result = examine("hub", options=options)
        assert result.code == 1
        assert said in result.stdout
        assert "itself failed" not in result.stdout
        assert result.stderr == ""


def test_a_token_that_the_hub_does_not_know(examine: Run, hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_bad")
    hub.fault = Fault(where="api", times=-1, status=401, headers={"X-Error-Message": "Invalid credentials"})
    result = examine("hub")
    assert result.code == 1
    assert "does not know the token" in lines_of(result)[0]


# --- nothing private ----------------------------------------------------------------------------------------


def test_a_report_holds_nothing_private(
    examine: Run, vlm: Run, hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """All of it is in what a person sees, so that the test would find it; and none of it in the report."""
    import platform
    import socket

    home = tmp_path / "homes" / "quentinx"
    home.mkdir(parents=True)
    (home / "settings of acme.toml").write_text('model = "/srv/acme models/secret-llava.gguf"\n')
    for name, value in {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "LOGNAME": "quentinx",
        "VLM_CONFIG": str(home / "settings of acme.toml"),
        "VLM_CACHE": "on",
        "VLM_CACHE_DIR": str(tmp_path / "acme cache" / "x"),
        "HF_HUB_CACHE": str(tmp_path / "acme hub"),
        "HF_TOKEN": "token-of-quentinx",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(socket, "gethostname", lambda: "acme-laptop.acme.example")
    monkeypatch.setattr(platform, "node", lambda: "acme-laptop")
    hub.add("acme-labs/acme-secret-gguf", FILES)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "acme hub"))
    pull = vlm("pull", "hf:acme-labs/acme-secret-gguf")
    assert pull.code == 0, pull.stderr
    hub.fault = Fault(where="api", times=-1, status=503)
    checks = ("settings", "cache", "model_folder", "models", "hub")
    seen = examine(*checks, options=("--checksums",)).stdout
    report = examine(*checks, options=("--checksums", "--json")).stdout
    assert len(json.loads(report)["findings"]) >= len(checks)
    address = hub.url.removeprefix("http://")
    for secret in ("quentinx", "acme", "secret-llava", "tiny-Q8_0", address, str(tmp_path)):
        assert secret in seen, f"{secret}\n{seen}"
        assert secret not in report, f"{secret}\n{report}"
    assert "token-of" not in seen + report
