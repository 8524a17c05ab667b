"""What `vlm models show` says of a header."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.engine.tiny_gguf import Typed, spm_vocabulary, write
from vlmcli import demo
from vlmcli.gguf import read_header
from vlmcli.gguf.facts import facts_of, quantization_of

F32, F16, Q4_0 = 0, 1, 2


def test_facts_of_the_model_in_the_box() -> None:
    decoder, projector = facts_of(read_header(demo.DECODER)), facts_of(read_header(demo.PROJECTOR))
    assert decoder["parameters"] == sum(t.elements for t in read_header(demo.DECODER).tensors.values()) > 2_000_000
    assert decoder["weights_bytes"] < demo.DECODER.stat().st_size < decoder["weights_bytes"] * 1.1
    assert {key: decoder[key] for key in ("quantization", "vocabulary", "chat_template", "context_tokens")} == {
        "quantization": "F16",
        "vocabulary": 1088,
        "chat_template": True,
        "context_tokens": 2048,
    }
    assert {key: projector[key] for key in ("projector_type", "image_size", "patch_size", "feature_layer")} == {
        "projector_type": "mlp",
        "image_size": 192,
        "patch_size": 16,
        "feature_layer": (5,),
    }
    assert projector["row_width"] == decoder["embedding_length"]
    assert projector["image_mean"] == (0.5, 0.5, 0.5)


def test_facts_of_a_vocabulary_and_tiles(tmp_path: Path) -> None:
    metadata = spm_vocabulary([], words=["a", "b"])
    facts = facts_of(read_header(write(tmp_path / "m.gguf", metadata)))
    assert facts["vocabulary"] == len(metadata["tokenizer.ggml.tokens"])
    assert facts["tokenizer"] == "llama"
    assert facts["parts"] is None
    clip = {"general.architecture": "clip", "clip.vision.image_grid_pinpoints": [336, 672] * 300}
    assert facts_of(read_header(write(tmp_path / "p.gguf", clip)))["tiles"] is True


@pytest.mark.parametrize(
    ("file_type", "name"),
    [(0, "F32"), (1, "F16"), (7, "Q8_0"), (15, "Q4_K_M"), (18, "Q6_K"), (32, "BF16"), (36, "TQ1_0")],
)
def test_quantization_by_its_number(tmp_path: Path, file_type: int, name: str) -> None:
    """The numbers of LLAMA_FTYPE_* in llama.h."""
    assert quantization_of(read_header(write(tmp_path / f"{file_type}.gguf", {"general.file_type": file_type}))) == name


@pytest.mark.parametrize("number", [4, 33, 999])
def test_quantization_by_what_most_bytes_are(tmp_path: Path, number: int) -> None:
    tensors = [("a", (32,), F32, bytes(128)), ("b", (640,), Q4_0, bytes(360))]
    path = write(tmp_path / "m.gguf", {"general.file_type": Typed(4, struct.pack("<I", number))}, tensors)
    assert quantization_of(read_header(path)) == "Q4_0"
