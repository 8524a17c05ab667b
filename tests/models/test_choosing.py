"""Which files are taken from a repository: each trap of the recorded lists, and lists made up for the rest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.models.recorded_lists import FOLDER, recorded, repository
from vlmcli.errors import ModelAmbiguous, ModelDamaged, ModelMismatch, ModelNotFound
from vlmcli.models.choosing import choose
from vlmcli.models.file_roles import IsProjector
from vlmcli.models.names import parse_name
from vlmcli.models.quantization import as_quant, is_quant, read_name
from vlmcli.models.repository import Chosen, RepoFile, Repository

PAIR = ["m-Q4_K_M.gguf", "mmproj-m-f16.gguf"]


def chosen(of: str | Repository, tag: str = "", is_projector: IsProjector | None = None) -> Chosen:
    """What `of` yields: a name whose repository was recorded, or a made-up repository with a tag."""
    name = of if isinstance(of, str) else f"hf:{of.id}" + (f":{tag}" if tag else "")
    wanted = parse_name(name)
    assert wanted
    return choose(recorded(wanted.repo) if isinstance(of, str) else of, wanted, is_projector)


def names(found: Chosen) -> list[str]:
    return [file.path for file in found.files]


def test_every_recorded_list_says_where_it_is_from() -> None:
    for file in FOLDER.glob("*.json"):
        data = json.loads(file.read_text())
        assert data["source"]
        assert file.name == f"{data['repo'].replace('/', '__')}.json"


# --- the traps ----------------------------------------------------------------------------------------------


def test_stale_duplicates_of_the_34b_are_left_alone() -> None:
    stale = {file.path for file in recorded("cjpais/llava-v1.6-34B-gguf").files if "llava-v1.6" not in file.path}
    assert {"llava-1.6-34b.Q4_K_M.gguf", "ggml-model-Q5_K.gguf"} <= stale
    for typed in ("llava-1.6-34b", "llava-1.6-34b:Q8_0", "hf:cjpais/llava-v1.6-34B-gguf", "llava-1.6-34b:q3_k_m"):
        assert chosen(typed).weights[0].path.startswith("llava-v1.6-34b.Q")
    with pytest.raises(ModelNotFound) as caught:  # only a stale file has it
        chosen("llava-1.6-34b:Q5_K")
    assert "llava-1.6-34b:Q5_K_M " in caught.value.hint


def test_stale_files_are_not_taken_in_silence_when_the_right_ones_are_gone() -> None:
    wanted = parse_name("llava-1.6-34b")
    assert wanted
    left = repository(["llava-1.6-34b.Q4_K_M.gguf", "mmproj-model-f16.gguf"], wanted.repo)
    with pytest.raises(ModelNotFound, match="any more") as caught:
        choose(left, wanted)
    [command] = caught.value.hint.splitlines()
    assert command == "vlm pull hf:cjpais/llava-v1.6-34B-gguf:llava-1.6-34b.Q4_K_M  # 1.0 GB"
    typed = parse_name(command.split()[2])
    assert typed
    assert choose(left, typed).weights[0].path == "llava-1.6-34b.Q4_K_M.gguf"


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.json")), ids=lambda file: file.stem)
def test_every_command_that_is_offered_works(file: Path) -> None:
    repo = file.stem.replace("__", "/")
    with pytest.raises(ModelNotFound) as caught:
        chosen(f"hf:{repo}:IQ1_XXS")
    commands = [line.split() for line in caught.value.hint.splitlines() if line.startswith("vlm pull ")]
    assert commands or not any(file.path.endswith(".gguf") for file in recorded(repo).files)
    for _, _, name, *_ in commands:
        assert name.rpartition(":")[2].lower() in chosen(name).weights[0].path.lower()


def test_twins_without_the_v_are_left_alone_unless_they_are_named() -> None:
    assert names(chosen("llava-1.6-mistral-7b:Q6_K"))[0] == "llava-v1.6-mistral-7b.Q6_K.gguf"
    by_file = "hf:cjpais/llava-1.6-mistral-7b-gguf:llava-1.6-mistral-7b.Q6_K"
    assert names(chosen(by_file))[0] == "llava-1.6-mistral-7b.Q6_K.gguf"


def test_twins_where_nothing_is_known_of_the_repository_are_a_question() -> None:
    twins = repository(["llava-v1.6-x.Q6_K.gguf", "llava-1.6-x.Q6_K.gguf", "mmproj-model-f16.gguf"])
    with pytest.raises(ModelAmbiguous) as caught:
        chosen(twins, "Q6_K")
    commands = [line.split("  #")[0].strip() for line in caught.value.hint.splitlines()]
    assert sorted(commands) == ["vlm pull hf:owner/name:llava-1.6-x.Q6_K", "vlm pull hf:owner/name:llava-v1.6-x.Q6_K"]


@pytest.mark.parametrize(
    "repo", ["openbmb/MiniCPM-V-2_6-gguf", "openbmb/MiniCPM-V-4-gguf", "openbmb/MiniCPM-V-4_5-gguf"]
)
def test_files_named_alike_in_every_repository_are_told_apart_by_their_checksums(repo: str) -> None:
    assert names(chosen(f"hf:{repo}")) == ["ggml-model-Q4_K_M.gguf", "mmproj-model-f16.gguf"]


@pytest.mark.parametrize("size", ["2B", "4B", "8B"])
def test_unsloths_projectors_extras_and_own_mixtures(size: str) -> None:
    repo = f"hf:unsloth/Qwen3-VL-{size}-Instruct-GGUF"
    assert names(chosen(repo)) == [f"Qwen3-VL-{size}-Instruct-Q4_K_M.gguf", "mmproj-F16.gguf"]
    assert names(chosen(f"{repo}:Q4_K_XL"))[0] == f"Qwen3-VL-{size}-Instruct-UD-Q4_K_XL.gguf"
    assert names(chosen(f"{repo}:ud-q4_k_xl"))[0] == f"Qwen3-VL-{size}-Instruct-UD-Q4_K_XL.gguf"


@pytest.mark.parametrize(
    ("typed", "weights", "projector"),
    [
        ("hf:google/gemma-4-E2B-it-qat-q4_0-gguf", "gemma-4-E2B_q4_0-it.gguf", "gemma-4-E2B-it-mmproj.gguf"),
        ("paddleocr-vl", "PaddleOCR-VL-1.5.gguf", "PaddleOCR-VL-1.5-mmproj.gguf"),
        ("llava-1.5-7b", "llava-v1.5-7b-Q4_K_M.gguf", "llava-v1.5-7b-mmproj-model-f16.gguf"),
        ("hf:advanced-stack/bakllava-mistral-v1-gguf", "BakLLaVA-1-Q4_K_M.gguf", "BakLLaVA-1-clip-model.gguf"),
        ("moondream2", "moondream2-text-model-f16_ct-vicuna.gguf", "moondream2-mmproj-f16-20250414.gguf"),
        ("hf:moondream/moondream2-gguf", "moondream2-text-model-f16.gguf", "moondream2-mmproj-f16.gguf"),
        ("llava-phi-3", "llava-phi-3-mini-int4.gguf", "llava-phi-3-mini-mmproj-f16.gguf"),
        ("llava-llama-3-8b:f16", "llava-llama-3-8b-v1_1-f16.gguf", "llava-llama-3-8b-v1_1-mmproj-f16.gguf"),
        ("hf:LiquidAI/LFM2.5-VL-1.6B-GGUF", "LFM2.5-VL-1.6B-Q4_K_M.gguf", "mmproj-LFM2.5-VL-1.6b-F16.gguf"),
        ("granite-vision-3.3-2b", "granite-vision-3.3-2b-Q4_K_M.gguf", "mmproj-model-f16.gguf"),
        ("hf:abetlen/BakLLaVA-1-GGUF", "bakllava-1.Q4_K.gguf", "mmproj-model-f16.gguf"),
    ],
)
def test_projectors_under_every_kind_of_name(typed: str, weights: str, projector: str) -> None:
    assert names(chosen(typed)) == [weights, projector]


def test_one_model_spelled_two_ways_is_one_model() -> None:
    joy = "hf:concedo/llama-joycaption-beta-one-hf-llava-mmproj-gguf"
    assert names(chosen(joy))[0] == "Llama-Joycaption-Beta-One-Hf-Llava-Q4_K.gguf"
    assert names(chosen(f"{joy}:Q8_0"))[0] == "llama-joycaption-beta-one-hf-llava-q8_0.gguf"


def test_mys_spelling_is_not_taken_for_another() -> None:
    assert names(chosen("hf:mys/ggml_llava-v1.5-7b:Q4_K"))[0] == "ggml-model-q4_k.gguf"
    assert names(chosen("hf:mys/ggml_llava-v1.5-7b"))[0] == "ggml-model-q4_k.gguf"
    with pytest.raises(ModelNotFound) as caught:
        chosen("llava-1.5-13b:Q4_K_M")
    assert caught.value.hint.splitlines() == [
        "vlm pull llava-1.5-13b:Q4_K  # 7.9 GB",
        "vlm pull llava-1.5-13b:Q5_K  # 9.2 GB",
        "vlm pull llava-1.5-13b:F16   # 26.0 GB",
    ]


def test_q3_k_is_not_found_in_q3_k_m() -> None:
    assert names(chosen("llava-1.6-mistral-7b:q3_k"))[0] == "llava-v1.6-mistral-7b.Q3_K.gguf"
    assert names(chosen("llava-1.6-mistral-7b:q3_k_m"))[0] == "llava-v1.6-mistral-7b.Q3_K_M.gguf"
    assert names(chosen("llava-1.6-mistral-7b:q3_k_xs"))[0] == "llava-v1.6-mistral-7b.Q3_K_XS.gguf"
    with pytest.raises(ModelNotFound):
        chosen("llava-1.6-vicuna-7b:Q3_K")


def test_several_models_in_one_repository() -> None:
    repo = "hf:cmp-nct/llava-1.6-gguf"
    with pytest.raises(ModelAmbiguous) as caught:
        chosen(repo)
    commands = [line.split("  #")[0].strip() for line in caught.value.hint.splitlines()]
    assert len(commands) == 4
    for command in commands:  # each is what it says: it parses, and chooses
        found = chosen(command.removeprefix("vlm pull "))
        size = (
            "mistral7b"
            if "mistral" in command
            else command.split("hf:")[1].split(":")[1].split("-q")[0].replace("-", "")
        )
        assert names(found)[1] == f"mmproj-{size}-f16.gguf"
    assert names(chosen(f"{repo}:q6_k"))[0] == "vicuna-13b-q6_k.gguf"
    with pytest.raises(ModelAmbiguous, match="Q5_K"):
        chosen(f"{repo}:q5_k")


def test_split_files_in_folders() -> None:
    repo = "hf:unsloth/Llama-4-Scout-17B-16E-Instruct-GGUF"
    folder = "Q4_K_M/Llama-4-Scout-17B-16E-Instruct-Q4_K_M"
    assert names(chosen(repo)) == [f"{folder}-0000{n}-of-00002.gguf" for n in (1, 2)] + ["mmproj-F16.gguf"]
    assert len(chosen(f"{repo}:BF16").weights) == 3
    assert chosen(f"{repo}:BF16").quant == "BF16"
    part = f"{repo}:Llama-4-Scout-17B-16E-Instruct-Q4_K_M-00002-of-00002"
    assert names(chosen(part)) == names(chosen(repo))


def test_the_original_weights_are_no_ggufs() -> None:
    with pytest.raises(ModelNotFound, match="original weights") as caught:
        chosen("hf:liuhaotian/llava-v1.5-7b")
    assert caught.value.hint.endswith("search=llava-v1.5-7b")


# --- weights ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "quant"),
    [
        *(("m-Q4_K_M.gguf", "Q4_K_M"), ("m.q4_k_m.GGUF", "Q4_K_M"), ("m-q_5_k.gguf", "Q5_K"), ("m-fp16.gguf", "F16")),
        *(("m-IQ3_XXS.gguf", "IQ3_XXS"), ("m-UD-IQ1_M.gguf", "UD-IQ1_M"), ("m-Q4_0_4_8.gguf", "Q4_0_4_8")),
        *(
            ("m-TQ1_0.gguf", "TQ1_0"),
            ("q4-mix-Q8_0.gguf", "Q8_0"),
            ("m-MXFP4.gguf", "MXFP4"),
            ("m-bf16.gguf", "BF16"),
            ("m-int8.gguf", "INT8"),
        ),
        *(("m.gguf", ""), ("Q8_0/m.gguf", "Q8_0"), ("Q8_0/m-Q4_0.gguf", "Q4_0"), ("ESQ4-model.gguf", "")),
        *(("m-Q4_K_M-00001-of-00003.gguf", "Q4_K_M"), ("m-Q8_0-split-00001-of-00002.gguf", "Q8_0"), ("f160.gguf", "")),
    ],
)
def test_the_quantization_in_a_name(path: str, quant: str) -> None:
    assert read_name(path).quant == quant
    assert not quant or (is_quant(quant) and as_quant(quant.lower()) == quant)


@pytest.mark.parametrize("word", ["7b", "latest", "13b", "llava", "", "Q", "Q4_K_M.gguf", "m-Q4_K_M"])
def test_what_is_no_quantization(word: str) -> None:
    assert not is_quant(word)


@pytest.mark.parametrize(
    ("there", "taken"),
    [
        (["Q8_0", "Q4_K_M", "Q5_K_M", "F16"], "Q4_K_M"),
        (["Q8_0", "Q4_K_S", "Q5_K_M"], "Q4_K_S"),
        (["Q4_0", "q4_k"], "Q4_K"),
        (["Q8_0", "Q5_K_M", "Q2_K"], "Q5_K_M"),
        (["f16", "Q8_0", "Q2_K"], "Q8_0"),
        (["IQ1_S"], "IQ1_S"),
    ],
)
def test_what_is_taken_when_nothing_is_asked_for(there: list[str], taken: str) -> None:
    made_up = repository([*(f"m-{quant}.gguf" for quant in there), "mmproj-f16.gguf"])
    assert chosen(made_up).quant == taken


def test_only_odd_quantizations_are_a_question() -> None:
    with pytest.raises(ModelAmbiguous) as caught:
        chosen(repository({"m-IQ1_S.gguf": 10**9, "m-IQ2_M.gguf": 2 * 10**9, "mmproj.gguf": 1}))
    assert caught.value.hint == "vlm pull hf:owner/name:IQ1_S  # 1.0 GB\nvlm pull hf:owner/name:IQ2_M  # 2.0 GB"


def test_a_revision_stays_in_the_commands() -> None:
    wanted = parse_name("hf:owner/name:Q8_0@v2")
    assert wanted
    with pytest.raises(ModelNotFound) as caught:
        choose(repository(PAIR), wanted)
    assert caught.value.hint == "vlm pull hf:owner/name:Q4_K_M@v2  # 1.0 GB"


def test_names_that_a_shell_would_run_are_not_offered() -> None:
    with pytest.raises(ModelAmbiguous) as caught:
        chosen(repository(["a$(id)-Q4_0.gguf", "b-Q4_0.gguf", "mmproj-f16.gguf"]))
    assert caught.value.hint == "vlm pull hf:owner/name:b-Q4_0  # 1.0 GB"
    with pytest.raises(ModelAmbiguous) as caught:
        chosen(repository(["a;b.gguf", "c d.gguf", "mmproj-f16.gguf"]))
    assert caught.value.hint.startswith("Its files: https://")


@pytest.mark.parametrize(
    "extra",
    [
        *("imatrix.gguf", "m-imatrix.gguf", "imatrix_unsloth.gguf", "mtp-m-Q4_K_M.gguf", "m-draft-Q4_K_M.gguf"),
        *("ggml-vocab-m.gguf", "m-lora-f16.gguf", "adapter-Q4_K_M.gguf", "eagle3-m-Q4_K_M.gguf", "config.json"),
    ],
)
def test_what_is_no_model_is_ignored(extra: str) -> None:
    assert names(chosen(repository([extra, *PAIR]))) == PAIR


def test_a_name_that_only_holds_such_a_word_is_a_model() -> None:
    files = ["draftsman-Q4_K_M.gguf", "mmproj-draftsman-f16.gguf"]
    assert names(chosen(repository(files))) == files
    files = ["m-imatrix-Q4_K_M.gguf", "mmproj-f16.gguf"]
    assert names(chosen(repository(files))) == files
    files = ["m-MTP-Q4_K_M.gguf", "mmproj-f16.gguf"]  # nothing else is there
    assert names(chosen(repository(files))) == files


def test_a_missing_part_is_named() -> None:
    parts = [f"m-Q8_0-0000{n}-of-00004.gguf" for n in (1, 3)]
    with pytest.raises(ModelDamaged, match=r"split into 4 files, and these are not there: 00002, 00004"):
        chosen(repository([*parts, "mmproj-f16.gguf"]), "Q8_0")
    with pytest.raises(ModelDamaged, match=r"00009 and more\.$"):
        chosen(repository(["m-00001-of-99999.gguf", "mmproj-f16.gguf"]))
    whole = repository([*parts, *PAIR])
    assert names(chosen(whole)) == ["m-Q4_K_M.gguf", "mmproj-m-f16.gguf"]


def test_parts_are_in_order_however_they_are_listed() -> None:
    parts = [f"m-{n:05d}-of-00012.gguf" for n in range(1, 13)]
    found = chosen(repository(["mmproj-f16.gguf", *reversed(parts)]))
    assert [file.path for file in found.weights] == parts
    assert found.size_bytes == 13 * 10**9


# --- projectors ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "taken"),
    [
        (["f16", "Q8_0", "f32", "bf16"], "f16"),
        (["Q8_0", "F32", "BF16"], "BF16"),
        (["F32", "q8_0"], "q8_0"),
        (["F32", "q4_0"], "F32"),
    ],
)
def test_which_precision(there: list[str], taken: str) -> None:
    made_up = repository(["m-Q4_K_M.gguf", *(f"mmproj-m-{quant}.gguf" for quant in there)])
    assert chosen(made_up).projector.path == f"mmproj-m-{taken}.gguf"


def test_the_projector_of_the_same_folder() -> None:
    files = [f"{size}/{name}" for size in ("2b", "7b") for name in ("m-Q4_K_M.gguf", "mmproj-f16.gguf")]
    with pytest.raises(ModelAmbiguous) as caught:
        chosen(repository(files))
    assert caught.value.hint.startswith("Its files: https://")  # no command could tell them apart
    files[2] = "7b/big-Q4_K_M.gguf"
    assert names(chosen(repository(files), "big-Q4_K_M")) == ["7b/big-Q4_K_M.gguf", "7b/mmproj-f16.gguf"]


@pytest.mark.parametrize(
    ("model", "there", "taken"),
    [
        ("gemma-3-4b-it", ["gemma-3-4b-it-qat-f16", "gemma-3-4b-it-Q8_0"], "gemma-3-4b-it-Q8_0"),
        ("gemma-3-4b-it-qat", ["f16", "gemma-3-4b-it-Q8_0"], "gemma-3-4b-it-Q8_0"),
        ("gemma-3-4b-it-qat", ["gemma-3-f16", "gemma-3-4b-it-Q8_0"], "gemma-3-4b-it-Q8_0"),
        ("gemma-3-4b-it", ["llama-4-f16", "Q8_0"], "Q8_0"),
        ("gemma-3-4b-it", ["llama-4-f16", "Q8_0-20250414"], "Q8_0-20250414"),
        ("Gemma_3.4B-IT", ["gemma-3-12b-it-f16", "gemma-3-4b-it-Q8_0"], "gemma-3-4b-it-Q8_0"),
    ],
)
def test_the_projector_named_most_like_the_weights_comes_before_precision(
    model: str, there: list[str], taken: str
) -> None:
    made_up = repository([f"{model}-Q4_K_M.gguf", *(f"mmproj-{name}.gguf" for name in there)])
    assert chosen(made_up).projector.path == f"mmproj-{taken}.gguf"


def test_a_projector_of_another_model_is_never_taken() -> None:
    files = ["vicuna-7b-Q4_K.gguf", "mistral-7b-Q5_K.gguf", "mmproj-vicuna7b-f16.gguf"]
    assert names(chosen(repository(files), "Q4_K")) == ["vicuna-7b-Q4_K.gguf", "mmproj-vicuna7b-f16.gguf"]
    with pytest.raises(ModelAmbiguous, match=r"mistral-7b-Q5_K.gguf, and none is named like it"):
        chosen(repository(files), "Q5_K")
    with pytest.raises(ModelAmbiguous):
        chosen(repository(["m-Q4_0.gguf", "mmproj-a-f16.gguf", "mmproj-b-f16.gguf"]))


def test_weights_without_a_projector_cannot_see() -> None:
    with pytest.raises(ModelMismatch, match="cannot see"):
        chosen(repository(["m-Q4_K_M.gguf", "m-Q8_0.gguf"]))


def test_a_projector_alone_is_no_model() -> None:
    with pytest.raises(ModelMismatch, match="no model"):
        chosen(repository(["mmproj-f16.gguf", "README.md"]))


def test_an_empty_repository() -> None:
    with pytest.raises(ModelNotFound, match="no GGUF files"):
        chosen(repository(["README.md"]))


def test_the_projector_may_lie_in_another_repository() -> None:
    wanted = parse_name("hf:owner/name")
    assert wanted
    found = choose(repository(["m-Q4_0.gguf"]), wanted, projectors_of=repository(["mmproj-f16.gguf"], "a/b"))
    assert names(found) == ["m-Q4_0.gguf", "mmproj-f16.gguf"]


def test_a_vision_file_beside_a_model_is_its_projector_and_alone_it_is_the_model() -> None:
    assert names(chosen(repository(["m-Q4_K_M.gguf", "m-vision-F16.gguf"])))[1] == "m-vision-F16.gguf"
    files = ["phi-vision-Q4_K_M.gguf", "phi-vision-f16.gguf", "mmproj-phi-vision-f16.gguf"]
    assert names(chosen(repository(files), "f16")) == files[1:]


def test_models_named_vision_are_models_where_there_is_nothing_else() -> None:
    with pytest.raises(ModelMismatch, match="cannot see"):
        chosen(repository(["phi-vision-f16.gguf", "phi-vision-bf16.gguf"]))


def test_where_names_leave_it_open_the_files_are_looked_into() -> None:
    files = {"m-Q4_K_M.gguf": 4 * 10**9, "m-eyes-Q8_0.gguf": 10**9, "m-Q8_0.gguf": 8 * 10**9}
    looked: list[str] = []

    def look(file: RepoFile) -> bool:
        looked.append(file.path)
        return "eyes" in file.path

    assert names(chosen(repository(files), is_projector=look)) == ["m-Q4_K_M.gguf", "m-eyes-Q8_0.gguf"]
    assert looked == ["m-eyes-Q8_0.gguf"]
    with pytest.raises(ModelMismatch, match="cannot see"):
        chosen(repository(files), is_projector=lambda file: None)


def test_names_that_say_it_cost_no_look() -> None:
    def look(file: RepoFile) -> bool:
        raise AssertionError(file.path)

    assert names(chosen(repository(PAIR), is_projector=look)) == PAIR
