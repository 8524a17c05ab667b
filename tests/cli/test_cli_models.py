"""`vlm models`: the list, what is on disk, names of one's own, and getting rid of things."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_cli_pull import DECODER, FILES, PROJECTOR, REPO
from tests.hub.server import HubServer
from vlmcli.cli.models_table import fits
from vlmcli.core import Device
from vlmcli.models.catalogue import CATALOGUE
from vlmcli.models.hub import Progress
from vlmcli.models.pulling import fetch_files, plan_pull

Run = Callable[..., Any]
HERE = f"hf:{REPO}"


@pytest.fixture
def pulled(vlm: Run, hub: HubServer) -> HubServer:
    hub.add(REPO, FILES)
    assert vlm("pull", HERE).code == 0
    hub.forget()
    return hub


# --- the list -----------------------------------------------------------------------------------------------


def test_the_catalogue_is_listed_without_a_network(vlm: Run) -> None:
    result = vlm("models")
    assert result.code == 0
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert [row[0] for row in rows] == list(CATALOGUE)
    assert all(len(row) == 10 for row in rows)
    assert "None of them is here yet. vlm pull llava" in result.stderr


def test_the_list_as_json(vlm: Run, pulled: HubServer) -> None:
    listed = {model["name"]: model for model in json.loads(vlm("models", "--json").stdout)}
    assert set(CATALOGUE) < set(listed)
    mistral = listed["llava-1.6-mistral-7b"]
    assert mistral["installed"] is False
    assert mistral["licence"] == "apache-2.0"
    assert mistral["quantization"] == "Q4_K_M"
    assert mistral["memory_bytes"] > mistral["size_bytes"] > 4e9
    here = listed[HERE]
    assert here["installed"] is True
    assert here["fits"] == "memory"
    assert here["size_bytes"] == len(DECODER) + len(PROJECTOR)
    assert pulled.requests == [], "nobody was asked"


def test_what_is_here(vlm: Run, pulled: HubServer) -> None:
    assert [row["name"] for row in json.loads(vlm("models", "--installed", "--json").stdout)] == [HERE]
    assert vlm("models", "--installed").stdout.startswith(f"{HERE}\t")


@pytest.mark.parametrize(
    ("columns", "heading"),
    [(60, ["model", "size", "needs", "fits"]), (40, ["model", "fits", "here"]), (36, ["model", "here"])],
)
def test_for_a_person(on_terminal: Callable[..., Any], pulled: HubServer, columns: int, heading: list[str]) -> None:
    shown = on_terminal("models", columns=columns, rows=50)
    assert shown.code == 0
    assert shown.lines[0].split()[: len(heading)] == heading
    assert len(shown.lines) == 1 + len(CATALOGUE) + 1, "no line wraps"


def gpu(free_bytes: int) -> Device:
    return Device("CUDA0", "a card", True, free_bytes, 2 * free_bytes)


@pytest.mark.parametrize(
    ("gpus", "memory_bytes", "where"),
    [
        ([gpu(8_000_000_000)], 4_000_000_000, "GPU"),
        ([gpu(5_000_000_000)], 16_000_000_000, "memory"),
        ([], 16_000_000_000, "memory"),
        ([], 5_500_000_000, "no"),
        ([], 0, ""),
    ],
)
def test_where_a_model_of_five_gigabytes_fits(gpus: list[Device], memory_bytes: int, where: str) -> None:
    assert fits(5_000_000_000, gpus, memory_bytes) == where


# --- one model ----------------------------------------------------------------------------------------------


def test_show_reads_both_headers(vlm: Run, pulled: HubServer, picture: str) -> None:
    vlm("ask", picture, "What?", "--model", HERE)
    shown = json.loads(vlm("models", "show", HERE, "--json").stdout)
    assert shown["name"] == HERE
    assert shown["last_used"] is not None
    weights, projector = shown["weights"], shown["projector"]
    assert weights["architecture"] == "llama"
    assert weights["embedding_length"] == 256
    assert projector["projector_type"] == "mlp"
    assert Path(weights["file"]).read_bytes() == DECODER
    commit = pulled.repositories[REPO].refs["main"]
    for part, content in ((weights, DECODER), (projector, PROJECTOR)):
        assert part["sha256"] == hashlib.sha256(content).hexdigest()
        assert (part["repository"], part["revision"]) == (REPO, commit)
    lines = [line.split() for line in vlm("models", "show", HERE).stdout.splitlines()]
    assert ["sha256", weights["sha256"]] in lines


def test_show_what_is_in_the_box(vlm: Run) -> None:
    result = vlm("models", "show", "demo")
    assert result.code == 0
    assert "vlmcli/demo/demo.gguf" in result.stdout.replace("\\", "/")


def test_show_what_is_not_here(vlm: Run) -> None:
    assert vlm("models", "show", "smolvlm-500m") == (
        4,
        "",
        "vlm: smolvlm-500m is not on this machine.\n  vlm pull smolvlm-500m\n",
    )


# --- names --------------------------------------------------------------------------------------------------


def test_an_alias_is_a_name(vlm: Run, pulled: HubServer, picture: str) -> None:
    assert vlm("models", "alias", "tiny", HERE).code == 0
    assert vlm("models", "alias").stdout == f"tiny\t{HERE}\n"
    assert vlm("describe", picture, "--model", "tiny").code == 0
    assert vlm("models", "default", "tiny").code == 0
    assert vlm("models", "--json").stdout.count('"default": true') == 1
    assert vlm("config").code == 0, "the settings file knows what an alias is"
    assert vlm("models", "alias", "tiny", "--remove").code == 0
    assert vlm("models", "alias").stdout == ""


def test_an_alias_of_a_file(vlm: Run, picture: str, tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(DECODER)
    (tmp_path / "p.gguf").write_bytes(PROJECTOR)
    assert vlm("models", "alias", "mine", "m.gguf").code == 0
    assert vlm("describe", picture, "--model", "mine", "--mmproj", "p.gguf").code == 0


@pytest.fixture
def write_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "config.toml"
        path.write_text(text)
        monkeypatch.setenv("VLM_CONFIG", str(path))
        return path

    return write


@pytest.mark.parametrize(
    "arguments",
    [("llava", HERE), ("demo", HERE), ("a b", HERE), ("x.gguf", HERE), ("tiny",), ("none", "--remove")],
)
def test_what_cannot_be_an_alias(vlm: Run, arguments: tuple[str, ...]) -> None:
    result = vlm("models", "alias", *arguments)
    assert result.code == 2, result.stderr
    assert vlm("models", "alias").stdout == ""


@pytest.mark.parametrize(
    ("name", "model", "code", "says"),
    [
        ("demo", HERE, 2, "demo is a model's name already."),
        ("llava", HERE, 2, "llava is a model's name already."),
        ("a b", HERE, 2, "'a b' cannot be a name"),
        ("x", "x", 2, "The alias x goes round in a circle: x -> x."),
        ("X", "y", 2, "The alias x goes round in a circle: x -> y -> x."),
        ("z", "nonsense", 4, "There is no model named 'nonsense'."),
    ],
)
def test_an_alias_is_refused_by_whatever_way_it_comes(
    vlm: Run, picture: str, write_settings: Callable[[str], Path], name: str, model: str, code: int, says: str
) -> None:
    """Also where a folder of the name is there."""
    text = '[aliases]\ny = "x"\n'
    path = write_settings(text)
    Path("x").mkdir()
    for command in (["models", "alias", name], ["config", "set", f"aliases.{name}"]):
        told = vlm(*command, model)
        assert (told.code, told.stderr.startswith(f"vlm: {says}")) == (code, True), told.stderr
    assert path.read_text() == text


def test_an_alias_of_nothing(vlm: Run) -> None:
    assert vlm("models", "alias", "x", "nonsense").code == 4
    assert vlm("models", "default", "nonsense").code == 4


def test_a_broken_alias_is_told_with_its_line(vlm: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "c.toml").write_text("[aliases]\nx = 3\n")
    monkeypatch.setenv("VLM_CONFIG", str(tmp_path / "c.toml"))
    assert "line 2" in vlm("config").stderr


def test_the_default_is_a_setting(vlm: Run, pulled: HubServer, picture: str) -> None:
    pulled.add("someone/other-gguf", FILES)
    vlm("pull", "hf:someone/other-gguf")
    result = vlm("models", "default", HERE)
    assert (result.code, result.stdout) == (0, "")
    answered = json.loads(vlm("ask", picture, "What?", "--format", "json").stdout)
    assert answered["model"] == HERE
    assert "vlm pull smolvlm-500m" in vlm("models", "default", "smolvlm-500m").stderr


# --- room ---------------------------------------------------------------------------------------------------


def test_rm_frees_what_nothing_else_uses(vlm: Run, pulled: HubServer, tmp_path: Path) -> None:
    pulled.add(REPO, FILES | {"tiny-Q5_K_M.gguf": DECODER + b"5" * 64})
    vlm("pull", f"{HERE}:Q8_0")
    vlm("pull", HERE)
    names = [row["name"] for row in json.loads(vlm("models", "--installed", "--json").stdout)]
    assert names == [HERE, f"{HERE}:Q8_0"], "the better known one needs no name"
    removed = vlm("models", "rm", HERE)
    assert removed.code == 0
    assert "5.8 MB freed; the rest is used by others." in removed.stdout
    assert vlm("models", "--installed").stdout.startswith(f"{HERE}\t")
    vlm("models", "prune")
    assert vlm("models", "rm", HERE).stdout == f"Removed {HERE}: 13.3 MB freed.\n"
    assert vlm("models", "--installed").stdout == ""
    assert list((tmp_path / "cache").rglob("*.gguf")) == []


def test_rm_of_several_is_all_or_nothing(vlm: Run, pulled: HubServer) -> None:
    assert vlm("models", "rm", HERE, "smolvlm-500m").code == 4
    assert vlm("models", "rm", HERE, "--dry-run").stdout.count(".gguf") == 2
    assert vlm("models", "--installed").stdout.startswith(HERE)
    assert vlm("models", "rm", "demo").code == 2


def test_prune_removes_what_a_pull_left(vlm: Run, hub: HubServer) -> None:
    hub.add(REPO, FILES)
    hub.bytes_per_s = 4_000_000
    events = fetch_files(plan_pull(HERE))
    next(event for event in events if isinstance(event, Progress))
    events.close()
    assert "unfinished" in vlm("models", "prune", "--dry-run").stdout
    assert vlm("models", "prune", "--older-than", "1d").stdout == "0 B freed.\n"
    pruned = vlm("models", "prune")
    assert pruned.stdout.startswith(f"{REPO}: unfinished, ")
    assert pruned.stdout.endswith("KB freed.\n") or pruned.stdout.endswith("MB freed.\n")
    assert vlm("models", "prune").stdout == "0 B freed.\n"
