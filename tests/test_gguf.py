"""Headers of GGUF files: what they say, and every way in which they lie."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from tests.engine.tiny_gguf import gguf, spm_vocabulary
from vlmcli import demo
from vlmcli.errors import ModelDamaged, ModelNotFound, VlmError
from vlmcli.gguf import read_header

F16, Q4_0 = 1, 2


def header_of(tmp_path: Path, data: bytes):
    path = tmp_path / "m.gguf"
    path.write_bytes(data)
    return read_header(path)


def test_header_of_the_model_in_the_box() -> None:
    decoder, projector = read_header(demo.DECODER), read_header(demo.PROJECTOR)
    assert (decoder.architecture, decoder.is_projector, decoder.has_chat_template) == ("llama", False, True)
    assert (projector.is_projector, projector.has_vision, projector.projector_type) == (True, True, "mlp")
    assert decoder.width == projector.width > 0
    assert decoder.weight_types == {"F16", "F32"}


def test_kv_bytes_follow_the_formula(tmp_path: Path) -> None:
    metadata = {
        "general.architecture": "llama",
        "llama.block_count": 22,
        "llama.embedding_length": 2048,
        "llama.attention.head_count": 32,
        "llama.attention.head_count_kv": 4,
    }
    assert header_of(tmp_path, gguf(metadata)).kv_bytes_per_token == 22 * 4 * (64 + 64) * 2


def test_long_arrays_are_counted_and_short_ones_kept(tmp_path: Path) -> None:
    header = header_of(tmp_path, gguf({**spm_vocabulary([]), "clip.vision.feature_layer": [5, 7]}))
    assert header.metadata["tokenizer.ggml.tokens"] == ()
    assert header.metadata["clip.vision.feature_layer"] == (5, 7)
    assert header.metadata["tokenizer.ggml.eos_token_id"] == 2


def test_tensors_have_shape_and_type(tmp_path: Path) -> None:
    header = header_of(tmp_path, gguf({"general.architecture": "llama"}, [("w", (64, 2), Q4_0, bytes(72))]))
    assert (header.tensors["w"].shape, header.tensors["w"].type) == ((64, 2), "Q4_0")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is not a model: it holds 0 bytes"),
        (b"GGUF", "is not a model: it holds 4 bytes"),
        (b"PK\3\4" + bytes(100), "is not a GGUF file"),
        (b"<!DOCTYPE html><html>Repository not found</html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
        (b"GGUF" + struct.pack(">I", 3) + bytes(64), "big-endian"),
        (b"GGUF" + struct.pack("<I", 1) + bytes(64), "version 1"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**60, 0) + bytes(64), "counts more than the file holds"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 2**63) + bytes(64), "counts more than the file holds"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 2**62) + bytes(64), "counts more"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q1sI", 1, b"k", 99) + bytes(64), "unknown type 99"),
    ],
)
def test_what_is_no_header_gets_its_own_sentence(tmp_path: Path, data: bytes, sentence: str) -> None:
    with pytest.raises(ModelDamaged, match=sentence):
        header_of(tmp_path, data)


def test_file_that_ends_before_its_weights_is_damaged(tmp_path: Path) -> None:
    whole = gguf({"general.architecture": "llama"}, [("w", (1024,), F16, bytes(2048))])
    assert header_of(tmp_path, whole).tensors["w"].elements == 1024
    with pytest.raises(ModelDamaged, match="ends before its tensor 'w'"):
        header_of(tmp_path, whole[:-64])


def test_folder_and_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="is a folder"):
        read_header(tmp_path)
    with pytest.raises(ModelNotFound, match="There is no file"):
        read_header(tmp_path / "none.gguf")


@pytest.mark.parametrize("seed", range(8))
def test_mutated_headers_never_crash(tmp_path: Path, seed: int) -> None:
    """250 mutations a seed: a header or a sentence, nothing else."""
    chance = random.Random(seed)
    whole = gguf({**spm_vocabulary(["<|a|>"]), "list": [1.5, 2.5]}, [("w", (32,), F16, bytes(64))])
    for _ in range(250):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            place = chance.randrange(len(data)) if chance.random() < 0.5 else chance.randrange(300)
            data[place] = chance.choice([0, 1, 127, 255, chance.randrange(256)])
        try:
            header_of(tmp_path, bytes(data[: chance.choice([len(data), chance.randrange(len(data))])]))
        except VlmError:
            continue
