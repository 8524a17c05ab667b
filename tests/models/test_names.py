"""What people type for a model, and what is wanted then."""

from __future__ import annotations

from pathlib import Path

import pytest

from vlmcli.errors import EXIT_MODEL, EXIT_USAGE, ModelNotFound, UsageError
from vlmcli.models.catalogue import CATALOGUE
from vlmcli.models.names import Wanted, complete_names, expand_alias, is_known_name, nearest_names, parse_name

GB = 10**9


def parsed(text: str, **aliases: str) -> Wanted:
    found = parse_name(text, aliases, memory_bytes=16 * GB)
    assert found
    return found


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- the catalogue's names ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_name_of_the_catalogue(name: str) -> None:
    wanted, entry = parsed(name), CATALOGUE[name]
    assert (wanted.name, wanted.entry) == (name, entry)
    assert (wanted.repo, wanted.family, wanted.weights) == (entry.repo, entry.family, entry.weights)
    assert (wanted.quant, wanted.revision) == ("", "main")


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("LLaVA-1.6-Mistral-7B", "llava-1.6-mistral-7b"),
        ("llava_1.6_mistral_7b", "llava-1.6-mistral-7b"),
        ("llava-v1.6-mistral-7b", "llava-1.6-mistral-7b"),
        ("llava-1-6-mistral-7b", "llava-1.6-mistral-7b"),
        ("Qwen2_5-VL-3B", "qwen2.5-vl-3b"),
        ("MiniCPM-V-4_5", "minicpm-v-4.5"),
        ("llava-1.6-mistral-7b:q5_k_m", "llava-1.6-mistral-7b:Q5_K_M"),
        ("llava-1.6-mistral-7b:Q4_K_M", "llava-1.6-mistral-7b"),
        ("llava-phi-3:fp16", "llava-phi-3:F16"),
        ("llava-phi-3:int4", "llava-phi-3"),
        ("llava-1.6-34b@refs/pr/3", "llava-1.6-34b@refs/pr/3"),
        ("llava-1.6-34b:Q8_0@abc", "llava-1.6-34b:Q8_0@abc"),
        ("llava-1.6-34b@abc:q8_0", "llava-1.6-34b:Q8_0@abc"),
        ("llava-1.6-34b@main", "llava-1.6-34b"),
    ],
)
def test_spelling_is_forgiven_and_one_thing_has_one_name(typed: str, name: str) -> None:
    assert parsed(typed).name == name
    assert parsed(parsed(typed).name).name == name


def test_quantization_and_revision_are_taken_apart() -> None:
    wanted = parsed("llava-1.6-34b:q8_0@abc")
    assert (wanted.repo, wanted.quant, wanted.revision) == ("cjpais/llava-v1.6-34B-gguf", "Q8_0", "abc")


def test_llava_is_the_one_for_the_machine() -> None:
    large, small = parse_name("llava", memory_bytes=16 * GB), parse_name("LLaVA:F16", memory_bytes=8 * GB)
    assert large
    assert large.name == "llava-1.6-mistral-7b"
    assert small
    assert small.name == "llava-phi-3:F16"


def test_llava_asks_the_machine_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    for memory_bytes, name in ((4 * GB, "llava-phi-3"), (64 * GB, "llava-1.6-mistral-7b")):
        monkeypatch.setattr("vlmcli.models.catalogue.lookup.total_memory_bytes", lambda of=memory_bytes: of)
        found = parse_name("llava")
        assert found
        assert found.name == name


# --- any repository -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "name", "repo", "quant", "revision"),
    [
        ("hf:a/b", "hf:a/b", "a/b", "", "main"),
        ("HF:Some-One/My.Model_2", "hf:Some-One/My.Model_2", "Some-One/My.Model_2", "", "main"),
        ("hf:a/b:q4_k_m", "hf:a/b:Q4_K_M", "a/b", "Q4_K_M", "main"),
        ("hf:a/b:ud-q4_k_xl", "hf:a/b:UD-Q4_K_XL", "a/b", "UD-Q4_K_XL", "main"),
        ("hf:a/b:vicuna-7b-q5_k", "hf:a/b:vicuna-7b-q5_k", "a/b", "vicuna-7b-q5_k", "main"),
        ("hf:a/b:vicuna-7b-q5_k.gguf", "hf:a/b:vicuna-7b-q5_k", "a/b", "vicuna-7b-q5_k", "main"),
        ("hf:a/b@v1.0", "hf:a/b@v1.0", "a/b", "", "v1.0"),
        ("hf:a/b:Q8_0@refs/pr/1", "hf:a/b:Q8_0@refs/pr/1", "a/b", "Q8_0", "refs/pr/1"),
        ("hf:a/b@refs/pr/1:Q8_0", "hf:a/b:Q8_0@refs/pr/1", "a/b", "Q8_0", "refs/pr/1"),
        ("hf://a/b", "hf:a/b", "a/b", "", "main"),
        ("hf.co/a/b:Q8_0", "hf:a/b:Q8_0", "a/b", "Q8_0", "main"),
        ("huggingface.co/a/b", "hf:a/b", "a/b", "", "main"),
        ("https://huggingface.co/a/b", "hf:a/b", "a/b", "", "main"),
        ("https://huggingface.co/a/b/", "hf:a/b", "a/b", "", "main"),
        ("https://huggingface.co/a/b?library=llama-cpp", "hf:a/b", "a/b", "", "main"),
        ("https://huggingface.co/a/b/tree/main", "hf:a/b", "a/b", "", "main"),
        ("https://huggingface.co/a/b/tree/refs%2Fpr%2F1", "hf:a/b@refs/pr/1", "a/b", "", "refs/pr/1"),
        ("https://huggingface.co/a/b/blob/main/sub/x-q4_0.gguf", "hf:a/b:x-q4_0", "a/b", "x-q4_0", "main"),
        ("https://hf.co/a/b/resolve/v2/x.gguf?download=true", "hf:a/b:x@v2", "a/b", "x", "v2"),
    ],
)
def test_any_repository(typed: str, name: str, repo: str, quant: str, revision: str) -> None:
    wanted = parsed(typed)
    assert (wanted.name, wanted.repo, wanted.quant, wanted.revision) == (name, repo, quant, revision)
    assert (wanted.entry, wanted.family, wanted.weights) == (None, "", "")
    assert parsed(wanted.name) == wanted


def test_a_repository_of_the_catalogue_by_its_address_keeps_what_is_known_of_it() -> None:
    wanted = parsed("hf:CJPais/llava-v1.6-34b-GGUF:q8_0")
    assert wanted.name == "hf:cjpais/llava-v1.6-34B-gguf:Q8_0"
    assert (wanted.family, wanted.weights, wanted.entry) == ("chatml", "llava-v1.6-*", CATALOGUE["llava-1.6-34b"])


@pytest.mark.parametrize(
    "typed",
    [
        *("hf:", "hf:/", "hf:llava-1.5-7b", "hf:a/", "hf:/b", "hf:a/b/c", "hf:../../etc/passwd", "hf:a/..", "hf:a b/c"),
        *("hf:a/b:x y", "hf:a/b:$(id)", "hf:a/b@../up", "hf:a/b@a\nb", "https://huggingface.co/a", "hf.co/"),
        *("https://example.org/a/b", "http://huggingface.co.example.org/a/b"),
    ],
)
def test_what_is_no_repository(typed: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_name(typed)
    assert caught.value.exit_code == EXIT_USAGE
    assert "vlm pull hf:OWNER/REPOSITORY:QUANT" in caught.value.hint


def test_a_short_name_after_hf_is_told_how_it_goes() -> None:
    with pytest.raises(UsageError) as caught:
        parse_name("hf:llava-1.5-7b")
    assert "vlm pull llava-1.5-7b" in caught.value.hint.splitlines()


# --- files --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed", ["demo", "x.gguf", "X.GGUF", "./m", "dir/m", "C:\\m", "~/m", "/m", "llava-1.5-7b.gguf"]
)
def test_what_is_meant_as_a_file(typed: str) -> None:
    assert parse_name(typed) is None


def test_what_is_there_is_a_file_unless_the_catalogue_has_that_name(empty_folder: Path) -> None:
    (empty_folder / "mymodel").write_bytes(b"")
    (empty_folder / "llava-1.5-7b").mkdir()
    assert parse_name("mymodel") is None
    assert parsed("llava-1.5-7b").repo == CATALOGUE["llava-1.5-7b"].repo


# --- names that nobody has ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [
        ("lava", "llava"),
        ("llava-1.5", "llava-1.5-7b"),
        ("llava-13b", "llava-1.5-13b"),
        ("llava:13b", "llava-1.5-13b"),
        ("llava-34b", "llava-1.6-34b"),
        ("llava-phi3", "llava-phi-3"),
        ("moondream", "moondream2"),
        ("qwen3vl:8b", "qwen3-vl-8b"),
        ("minicpm-v", "minicpm-v-4.5"),
        ("smolvlm", "smolvlm-500m"),
        ("gemma3", "gemma-3-4b"),
        ("paddle-ocr", "paddleocr-vl"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(typed: str, nearest: str) -> None:
    with pytest.raises(ModelNotFound) as caught:
        parse_name(typed)
    assert caught.value.exit_code == EXIT_MODEL
    assert typed in caught.value.sentence
    assert f"vlm pull {nearest}" in caught.value.hint.splitlines()
    assert caught.value.hint.endswith("vlm models")
    assert nearest in nearest_names(typed)[:4]


@pytest.mark.parametrize("typed", ["", "zzz", "llava-1.5-7b:", ":", "@", "42"])
def test_other_names(typed: str) -> None:
    if typed == "llava-1.5-7b:":
        assert parsed(typed).name == "llava-1.5-7b"
        return
    with pytest.raises(ModelNotFound):
        parse_name(typed)


def test_names_that_hold_every_word_crowd_out_those_that_only_look_alike() -> None:
    assert nearest_names("llava:13b") == ["llava-1.5-13b", "llava-1.6-vicuna-13b"]


def test_nearest_names_know_names_beside_the_catalogue() -> None:
    assert nearest_names("bigg", ["bigone", "big"])[0] == "big"
    with pytest.raises(ModelNotFound) as caught:
        parse_name("bigg", {"big": "llava-1.6-34b"})
    assert "vlm pull big" in caught.value.hint.splitlines()


# --- aliases ------------------------------------------------------------------------------------------------


def test_an_alias_stands_for_a_name_a_repository_another_alias_or_a_file() -> None:
    aliases = {"small": "smolvlm-500m", "mine": "hf:a/b:Q8_0@x", "s": "small", "local": "models/m.gguf"}
    assert parsed("small", **aliases).name == "smolvlm-500m"
    assert parsed("SMALL", **aliases).name == "smolvlm-500m"
    assert parsed("s", **aliases).name == "smolvlm-500m"
    assert parsed("mine", **aliases).name == "hf:a/b:Q8_0@x"
    assert parse_name("local", aliases) is None
    assert expand_alias("local", aliases) == "models/m.gguf"
    assert expand_alias("other", aliases) == "other"


def test_a_wish_after_an_alias_wins() -> None:
    aliases = {"small": "smolvlm-500m:F16", "mine": "hf:a/b:Q8_0@x", "local": "m.gguf"}
    assert parsed("small:Q8_0", **aliases).name == "smolvlm-500m"
    assert parsed("mine:q4_0", **aliases).name == "hf:a/b:Q4_0@x"
    assert parsed("mine@y", **aliases).name == "hf:a/b:Q8_0@y"
    with pytest.raises(UsageError, match="one quantization"):
        parse_name("local:Q8_0", aliases)


def test_an_alias_may_take_a_name_of_the_catalogue() -> None:
    assert parsed("llava", llava="llava-1.5-7b").name == "llava-1.5-7b"
    assert parsed("bakllava", bakllava="bakllava:Q5_K").name == "bakllava:Q5_K"


def test_names_that_an_alias_may_not_take() -> None:
    assert all(map(is_known_name, ("demo", "Llava", "llava-v1.5-7b", "smolvlm_500m")))
    assert not any(map(is_known_name, ("small", "llava-7b", "hf:a/b")))


@pytest.mark.parametrize("aliases", [{"a": "a"}, {"a": "b", "b": "a"}, {"a": "b:Q8_0", "b": "c", "c": "A@x"}])
def test_aliases_in_a_circle(aliases: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="circle"):
        parse_name("a", aliases)


# --- completion ---------------------------------------------------------------------------------------------


def test_completion_of_names() -> None:
    names = [name for name, _ in complete_names("")]
    assert names == ["llava", *CATALOGUE]
    assert [name for name, _ in complete_names("qwen3")] == ["qwen3-vl-2b", "qwen3-vl-4b", "qwen3-vl-8b"]
    assert dict(complete_names("llava-1.6-m"))["llava-1.6-mistral-7b"].startswith("7B, 5.0 GB: ")
    assert complete_names("zzz") == []
    assert all(help and "\n" not in help for _, help in complete_names(""))


def test_completion_of_quantizations() -> None:
    offered = dict(complete_names("llava-1.6-mistral-7b:"))
    assert list(offered) == [f"llava-1.6-mistral-7b:{quant}" for quant in CATALOGUE["llava-1.6-mistral-7b"].quants]
    assert [name for name, help in offered.items() if help] == ["llava-1.6-mistral-7b:Q4_K_M"]
    assert [name for name, _ in complete_names("llava-phi-3:i")] == ["llava-phi-3:int4"]
    assert complete_names("nobody:") == []
    assert all(parse_name(name) for name in offered)
