"""Which decoder and projector are refused, which are warned of, and which are known to belong together."""

from __future__ import annotations

from pathlib import Path
from shlex import split

import pytest

from tests.engine.tiny_gguf import write
from vlmcli.errors import ModelMismatch
from vlmcli.gguf import Header, read_header
from vlmcli.models.pairing import check_roles, check_widths, pair_warnings, projectors_beside

F16 = 1


def decoder(path: Path, width: int = 64, name: str = "") -> Header:
    metadata = {"general.architecture": "llama", "llama.embedding_length": width}
    return read_header(write(path, {**metadata, **({"general.name": name} if name else {})}))


def projector(path: Path, width: int = 64, name: str = "", kind: str = "mlp", vision: bool = True) -> Header:
    metadata = {"general.architecture": "clip", "clip.projector_type": kind, "clip.has_vision_encoder": vision}
    tensors = [("mm.2.weight", (32, width), F16, bytes(64 * width))]
    return read_header(write(path, {**metadata, **({"general.name": name} if name else {})}, tensors))


def test_equal_widths_pass_and_others_do_not(tmp_path: Path) -> None:
    check_widths(decoder(tmp_path / "m.gguf"), projector(tmp_path / "p.gguf"))
    with pytest.raises(ModelMismatch, match=r"m.gguf takes rows of 64 numbers and q.gguf gives 96") as caught:
        check_widths(decoder(tmp_path / "m.gguf"), projector(tmp_path / "q.gguf", 96))
    assert caught.value.hint == "Take both files from the same repository."


def test_width_that_is_not_known_is_left_to_llama_cpp(tmp_path: Path) -> None:
    check_widths(decoder(tmp_path / "m.gguf"), projector(tmp_path / "p.gguf", 96, kind="of tomorrow"))


def test_the_projector_that_would_fit_is_named(tmp_path: Path) -> None:
    """Among others: of another width, without vision, damaged, and a model that is none."""
    folder = tmp_path / "my models"
    folder.mkdir()
    model = decoder(folder / "m.gguf")
    wrong = projector(folder / "mmproj-wrong.gguf", 96)
    right = projector(folder / "right-clip-model.gguf")
    projector(folder / "mmproj-audio.gguf", vision=False)
    decoder(folder / "mmproj-no.gguf")
    (folder / "mmproj-cut.gguf").write_bytes(b"GGUF")
    with pytest.raises(ModelMismatch) as caught:
        check_widths(model, wrong)
    assert split(caught.value.hint) == ["--model", str(model.path), "--mmproj", str(right.path)]


def test_files_in_each_others_place(tmp_path: Path) -> None:
    model, eyes = decoder(tmp_path / "m.gguf"), projector(tmp_path / "p.gguf")
    check_roles(model, eyes)
    with pytest.raises(ModelMismatch, match="the wrong way round") as caught:
        check_roles(eyes, model)
    assert split(caught.value.hint) == ["--model", str(model.path), "--mmproj", str(eyes.path)]
    with pytest.raises(ModelMismatch, match="is a projector and not a model"):
        check_roles(eyes, eyes)
    with pytest.raises(ModelMismatch, match="is not a projector: it is a model of the kind llama"):
        check_roles(model, model)
    with pytest.raises(ModelMismatch, match="has no vision part"):
        check_roles(model, projector(tmp_path / "audio.gguf", vision=False))


@pytest.mark.parametrize(
    ("model", "eyes"),
    [
        ("llava-v1.5-7b-Q4_K.gguf", "llava-v1.5-7b-mmproj-Q4_0.gguf"),
        ("llava-phi-3-mini-int4.gguf", "llava-phi-3-mini-mmproj-f16.gguf"),
        ("BakLLaVA-1-Q4_K_M.gguf", "BakLLaVA-1-clip-model.gguf"),
        ("SmolVLM-500M-Instruct-Q8_0.gguf", "mmproj-SmolVLM-500M-Instruct-Q8_0.gguf"),
        ("demo.gguf", "mmproj-demo.gguf"),
    ],
)
def test_files_named_after_one_model_are_not_warned_of(tmp_path: Path, model: str, eyes: str) -> None:
    pair = decoder(tmp_path / model), projector(tmp_path / eyes)
    check_widths(*pair)
    assert pair_warnings(*pair, known_pair=False) == ()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert pair_warnings(pair[0], projector(elsewhere / eyes), known_pair=False)


@pytest.mark.parametrize(
    ("model", "eyes"),
    [
        ("ggml-model-q4_k.gguf", "mmproj-model-f16.gguf"),
        ("llava-v1.6-mistral-7b.Q4_K_M.gguf", "mmproj-model-f16.gguf"),
        ("llava-v1.6-mistral-7b.Q4_K_M.gguf", "llava-v1.5-7b-mmproj-model-f16.gguf"),
        ("Qwen3-VL-2B-Instruct-Q4_K_M.gguf", "mmproj-F16.gguf"),
    ],
)
def test_equal_widths_of_unknown_origin_are_warned_of_once(tmp_path: Path, model: str, eyes: str) -> None:
    pair = decoder(tmp_path / model), projector(tmp_path / eyes)
    check_widths(*pair)
    (warning,) = pair_warnings(*pair, known_pair=False)
    assert model in warning
    assert eyes in warning
    assert "64 wide" in warning
    assert pair_warnings(*pair, known_pair=True) == ()


@pytest.mark.parametrize(
    ("name", "eyes_name", "known"),
    [
        ("Qwen2.5 VL 3B Instruct", "Qwen2.5-VL-3B-Instruct", True),
        ("Qwen2.5 VL 3B Instruct", "Qwen2.5 VL 7B Instruct", False),
        ("Model", "Model", False),
        ("", "", False),
    ],
)
def test_names_inside_the_files_are_a_sign(tmp_path: Path, name: str, eyes_name: str, known: bool) -> None:
    pair = decoder(tmp_path / "a.gguf", name=name), projector(tmp_path / "b.gguf", name=eyes_name)
    assert bool(pair_warnings(*pair, known_pair=False)) is not known


def test_projectors_beside_a_model(tmp_path: Path) -> None:
    names = ["m.gguf", "mmproj-m.gguf", "m-mmproj.gguf", "m-clip-model.gguf", "m-vision-F16.gguf", "eclipse.gguf"]
    for name in names:
        (tmp_path / name).touch()
    assert [path.name for path in projectors_beside(tmp_path / "m.gguf")] == [
        *("m-clip-model.gguf", "m-mmproj.gguf", "m-vision-F16.gguf", "mmproj-m.gguf")
    ]
