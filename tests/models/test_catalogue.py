"""The catalogue against the recorded lists: a new entry fails until it has its list."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.models.recorded_lists import recorded
from vlmcli.models.catalogue import CATALOGUE, DEFAULT_LLAVA, Entry, default_llava
from vlmcli.models.catalogue.entry import kv_bytes
from vlmcli.models.catalogue.lookup import folded
from vlmcli.models.choosing import choose
from vlmcli.models.families import FAMILIES
from vlmcli.models.hub.names import is_repo_id
from vlmcli.models.names import parse_name
from vlmcli.models.quantization import as_quant, is_quant, read_name

GB = 10**9
ENTRIES = pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.name)

PROMISED = """
llava-1.5-7b llava-1.5-13b llava-1.6-mistral-7b llava-1.6-vicuna-7b llava-1.6-vicuna-13b llava-1.6-34b llava-phi-3
llava-llama-3-8b bakllava moondream2 smolvlm-500m smolvlm2-2.2b qwen2.5-vl-3b qwen2.5-vl-7b qwen3-vl-2b qwen3-vl-4b
qwen3-vl-8b gemma-3-4b internvl3-2b minicpm-v-4.5 granite-vision-3.3-2b glm-4.6v-flash deepseek-ocr glm-ocr paddleocr-vl
""".split()


def test_all_promised_names_are_there() -> None:
    assert set(CATALOGUE) >= set(PROMISED)


def test_names_stay_apart_however_they_are_spelled() -> None:
    names = [folded(name) for name in (*CATALOGUE, DEFAULT_LLAVA, "demo")]
    assert len(set(names)) == len(names)


@ENTRIES
def test_an_entry_is_whole(entry: Entry) -> None:
    assert CATALOGUE[entry.name] is entry
    assert is_repo_id(entry.repo)
    assert "/" in entry.repo
    assert entry.family in FAMILIES
    assert entry.good_for
    assert 1e8 < _parameters(entry) < 1e12
    assert 1024 < entry.kv_bytes_per_token < 2**20
    assert 2048 <= entry.context_tokens <= 2**20
    assert all(is_quant(quant) and quant == as_quant(quant) for quant in entry.quants)
    assert entry.quant in entry.quants or not entry.quant


@ENTRIES
def test_its_list_yields_its_usual_files(entry: Entry) -> None:
    wanted = parse_name(entry.name)
    assert wanted
    assert wanted.repo == entry.repo
    chosen = choose(recorded(entry.repo), wanted)
    assert chosen.quant == entry.quant
    assert len(chosen.weights) == 1
    assert chosen.projector not in chosen.weights
    sizes = (chosen.size_bytes, entry.size_bytes)
    assert sizes[0] == sizes[1] if entry.size_is_recorded else abs(sizes[0] / sizes[1] - 1) < 0.05


@ENTRIES
def test_the_quantizations_it_offers_are_in_its_list(entry: Entry) -> None:
    repository = recorded(entry.repo)
    for quant in entry.quants:
        wanted = parse_name(f"{entry.name}:{quant}")
        assert wanted
        weights = choose(repository, wanted).weights[0]
        assert read_name(weights.path).quant == quant


@ENTRIES
def test_four_bits_take_about_as_much_as_the_parameters_say(entry: Entry) -> None:
    """A slip of a digit in either number would show; projectors and eight bits make the range wide."""
    assert 0.4 < entry.size_bytes / _parameters(entry) < 2.1


def _parameters(entry: Entry) -> float:
    """`7B` -> 7e9, `500M` -> 5e8"""
    return float(entry.parameters[:-1]) * {"B": 1e9, "M": 1e6}[entry.parameters[-1]]


def test_kv_is_keys_and_values_of_every_layer_in_two_bytes() -> None:
    assert (
        kv_bytes(layers=32, kv_heads=32, head_dim=128) == 512 * 1024
    )  # Llama 2 7B: 0.5 MiB a token, as llama.cpp logs
    assert CATALOGUE["llava-1.6-mistral-7b"].kv_bytes_per_token * 4 == CATALOGUE["llava-1.5-7b"].kv_bytes_per_token


@pytest.mark.parametrize(
    ("memory_bytes", "expected"),
    [
        (0, "llava-phi-3"),
        (4 * GB, "llava-phi-3"),
        (8 * 2**30, "llava-phi-3"),
        (12 * GB, "llava-1.6-mistral-7b"),
        (16 * 2**30, "llava-1.6-mistral-7b"),
        (512 * GB, "llava-1.6-mistral-7b"),
    ],
)
def test_the_llava_of_a_machine(memory_bytes: int, expected: str) -> None:
    assert default_llava(memory_bytes) == expected


def test_the_llava_of_a_machine_leaves_room_for_others() -> None:
    at = next(gb for gb in range(64) if default_llava(gb * GB) == "llava-1.6-mistral-7b")
    entry = CATALOGUE["llava-1.6-mistral-7b"]
    assert at * GB - entry.size_bytes - 4096 * entry.kv_bytes_per_token >= 3 * GB


def test_names_and_catalogue_import_nothing_heavy() -> None:
    code = "import sys; import vlmcli.models.names, vlmcli.models.choosing; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    packages = {name.partition(".")[0] for name in done.stdout.split()}
    assert "vlmcli" in packages
    assert not packages & {
        "huggingface_hub",
        "httpx",
        "requests",
        "typer",
        "rich",
        "PIL",
        "llama_cpp",
        "jinja2",
        "difflib",
    }
