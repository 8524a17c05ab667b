"""From --model to a pair of files, or to the sentence that says why not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.tiny_gguf import write
from vlmcli import demo
from vlmcli.errors import (
    ModelDamaged,
    ModelError,
    ModelMismatch,
    ModelNotChosen,
    ModelNotFound,
    ModelNotHere,
    TemplateError,
)
from vlmcli.models import resolve_model

F32 = 0


def decoder(folder: Path, name: str = "m.gguf", width: int = 64, template: str = "") -> Path:
    metadata = {"general.architecture": "llama", "llama.embedding_length": width}
    if template:
        metadata["tokenizer.chat_template"] = template
    return write(folder / name, metadata)


def projector(folder: Path, name: str = "mmproj.gguf", width: int = 64, vision: bool = True, kind: str = "mlp") -> Path:
    metadata = {"general.architecture": "clip", "clip.projector_type": kind, "clip.has_vision_encoder": vision}
    return write(folder / name, metadata, [("mm.2.bias", (width,), F32, bytes(4 * width))])


def refused(kind: type[ModelError], *arguments: object, **options: object) -> ModelError:
    with pytest.raises(kind) as caught:
        resolve_model(*arguments, **options)  # type: ignore[arg-type]
    assert caught.value.exit_code == 4
    return caught.value


def test_the_model_in_the_box() -> None:
    files = resolve_model("demo")
    assert (files.name, files.decoder, files.projector) == ("demo", demo.DECODER, demo.PROJECTOR)
    assert files.family.several_pictures


@pytest.mark.parametrize("name", [None, ""])
def test_no_model_is_the_users_choice(name: str | None) -> None:
    hint = refused(ModelNotChosen, name).hint
    assert "--model demo" in hint
    assert "--mmproj" in hint


def test_pair_of_files(tmp_path: Path) -> None:
    files = resolve_model(str(decoder(tmp_path, template="{{ messages }}")), projector(tmp_path))
    assert files.name == "m"
    assert not files.family.several_pictures, "a LLaVA projector: one picture at a time"
    assert files.family.separator == "\n"


def test_other_projectors_take_several_pictures(tmp_path: Path) -> None:
    files = resolve_model(str(decoder(tmp_path)), projector(tmp_path, kind="qwen2.5vl_merger"))
    assert files.family.several_pictures
    assert files.family.separator == ""


def test_family_by_name_and_template_by_file(tmp_path: Path) -> None:
    template = tmp_path / "t.jinja"
    template.write_text("{{ messages[0].content }}")
    files = resolve_model(str(decoder(tmp_path)), projector(tmp_path), "vicuna", template)
    assert files.family.stop == ("USER:",)
    assert files.family.chat_template == "{{ messages[0].content }}"


def test_unknown_names(tmp_path: Path) -> None:
    assert "no model named 'lava'" in refused(ModelNotFound, "lava").sentence
    assert refused(ModelNotHere, "llava-phi-3").hint == "vlm pull llava-phi-3"
    assert "There is no file" in refused(ModelNotFound, "x/llava.gguf").sentence
    assert "vicuna" in refused(TemplateError, "demo", None, "vikuna").hint
    assert "cannot be read" in refused(TemplateError, "demo", None, None, tmp_path / "none").sentence


def test_missing_projector_lists_those_beside_as_commands(tmp_path: Path) -> None:
    model = decoder(tmp_path)
    assert "--mmproj MMPROJ.gguf" in refused(ModelMismatch, str(model)).hint
    beside = projector(tmp_path, "my-mmproj-f16.gguf")
    assert refused(ModelMismatch, str(model)).hint == f"--model {model} --mmproj {beside}"


def test_files_the_wrong_way_round(tmp_path: Path) -> None:
    model, mmproj = decoder(tmp_path), projector(tmp_path)
    error = refused(ModelMismatch, str(mmproj), model)
    assert "wrong way round" in error.sentence
    assert error.hint == f"--model {model} --mmproj {mmproj}"
    assert "is a projector" in refused(ModelMismatch, str(mmproj)).sentence
    assert "is a projector" in refused(ModelMismatch, str(mmproj), mmproj).sentence
    assert "not a projector" in refused(ModelMismatch, str(model), model).sentence


def test_widths_that_do_not_fit(tmp_path: Path) -> None:
    error = refused(ModelMismatch, str(decoder(tmp_path, width=64)), projector(tmp_path, width=96))
    assert "64" in error.sentence
    assert "96" in error.sentence


def test_the_model_in_the_box_takes_no_other_projector(tmp_path: Path) -> None:
    assert "without --mmproj" in refused(ModelMismatch, "demo", projector(tmp_path)).hint


def test_projector_without_vision(tmp_path: Path) -> None:
    assert "no vision" in refused(ModelMismatch, str(decoder(tmp_path)), projector(tmp_path, vision=False)).sentence


def test_damaged_file(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(demo.DECODER.read_bytes()[:100_000])
    refused(ModelDamaged, str(broken), demo.PROJECTOR)


def test_the_hub_gets_no_telemetry() -> None:
    code = "import os, vlmcli.models; print(os.environ['HF_HUB_DISABLE_TELEMETRY'])"
    environment = {name: value for name, value in os.environ.items() if name != "HF_HUB_DISABLE_TELEMETRY"}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "1"
