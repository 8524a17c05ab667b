"""What a header says, under keys of every type."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path

import pytest

from tests.engine.tiny_gguf import Typed, gguf, spm_vocabulary, string, write
from vlmcli import demo
from vlmcli.gguf import Header, read_header

F16, Q4_0 = 1, 2
LLAMA = {"general.architecture": "llama"}
OF_EVERY_TYPE = {
    "u8": Typed(0, b"\7"),
    "i8": Typed(1, b"\xf9"),
    "u16": Typed(2, struct.pack("<H", 7)),
    "i16": Typed(3, struct.pack("<h", -7)),
    "u32": Typed(4, struct.pack("<I", 2**32 - 1)),
    "i32": Typed(5, struct.pack("<i", -(2**31))),
    "f32": Typed(6, struct.pack("<f", float("inf"))),
    "bool": Typed(7, b"\xff"),
    "text": Typed(8, string("words")),
    "numbers": Typed(9, struct.pack("<IQ3i", 5, 3, -1, 0, 9)),
    "texts": Typed(9, struct.pack("<IQ", 8, 1) + string("word")),
    "nothing": Typed(9, struct.pack("<IQ", 6, 0)),
    "u64": Typed(10, struct.pack("<Q", 2**64 - 1)),
    "i64": Typed(11, struct.pack("<q", -(2**63))),
    "f64": Typed(12, struct.pack("<d", float("nan"))),
}


def header_of(tmp_path: Path, metadata: dict[str, object], tensors: tuple = ()) -> Header:
    return read_header(write(tmp_path / "m.gguf", metadata, tensors))


def test_header_of_the_model_in_the_box() -> None:
    decoder, projector = read_header(demo.DECODER), read_header(demo.PROJECTOR)
    assert (decoder.architecture, decoder.is_projector, decoder.has_chat_template) == ("llama", False, True)
    assert (projector.is_projector, projector.has_vision, projector.projector_type) == (True, True, "mlp")
    assert decoder.width == projector.width > 0
    assert decoder.weight_types == {"F16", "F32"}


def test_long_arrays_are_counted_and_short_ones_kept(tmp_path: Path) -> None:
    header = header_of(tmp_path, {**spm_vocabulary([]), "clip.vision.feature_layer": [5, 7]})
    assert header.metadata["tokenizer.ggml.tokens"] == ()
    assert header.vocabulary_size == header.lengths["tokenizer.ggml.tokens"] > 300
    assert header.metadata["clip.vision.feature_layer"] == (5, 7)
    assert header.metadata["tokenizer.ggml.eos_token_id"] == 2


def test_tensors_have_shape_type_and_size(tmp_path: Path) -> None:
    tensor = header_of(tmp_path, LLAMA, (("w", (64, 2), Q4_0, bytes(72)),)).tensors["w"]
    assert (tensor.shape, tensor.type, tensor.elements, tensor.size_bytes) == ((64, 2), "Q4_0", 128, 72)


def test_type_that_is_newer_than_the_table_is_for_llama_cpp_to_know(tmp_path: Path) -> None:
    tensors = (("a", (64,), 99, bytes(50)), ("b", (64,), F16, bytes(128)))
    header = header_of(tmp_path, LLAMA, tensors)
    assert (header.tensors["a"].type, header.tensors["a"].size_bytes) == ("type 99", 0)
    assert header.weights_bytes == header.size_bytes


def test_kv_bytes_follow_the_formula(tmp_path: Path) -> None:
    metadata = {
        **LLAMA,
        "llama.block_count": 22,
        "llama.embedding_length": 2048,
        "llama.attention.head_count": 32,
        "llama.attention.head_count_kv": 4,
    }
    assert header_of(tmp_path, metadata).kv_bytes_per_token == 22 * 4 * (64 + 64) * 2


def test_kv_bytes_of_layers_that_differ(tmp_path: Path) -> None:
    """LFM2's layers without attention have no heads; Gemma 3's have a length of their own."""
    metadata = {
        **LLAMA,
        "llama.block_count": 4,
        "llama.embedding_length": 2048,
        "llama.attention.head_count": 32,
        "llama.attention.head_count_kv": [0, 0, 8, 8],
        "llama.attention.key_length": 256,
    }
    assert header_of(tmp_path, metadata).kv_bytes_per_token == 16 * (256 + 64) * 2


def test_decoder_with_deepstack_takes_wider_rows(tmp_path: Path) -> None:
    """Qwen3-VL: each row is followed by one of each of three layers."""
    metadata = {"general.architecture": "qwen3vl", "qwen3vl.embedding_length": 2048, "qwen3vl.n_deepstack_layers": 3}
    assert header_of(tmp_path, metadata).width == 8192


def test_same_file_is_read_once_and_a_changed_one_again(tmp_path: Path) -> None:
    path = write(tmp_path / "m.gguf", LLAMA)
    first = read_header(path)
    assert read_header(path) is first
    write(path, {"general.architecture": "qwen2"})
    assert read_header(path).architecture == "qwen2"


KEYS = (
    "general.architecture general.name general.file_type clip.projector_type clip.vision.projector_type"
    " clip.vision.feature_layer tokenizer.chat_template tokenizer.ggml.tokens tokenizer.ggml.model split.count split.no"
    " {}.block_count {}.embedding_length {}.attention.head_count {}.attention.head_count_kv {}.attention.key_length"
    " {}.n_deepstack_layers {}.deepstack_mapping {}.context_length {}.feed_forward_length clip.has_vision_encoder"
    " clip.vision.image_size clip.vision.patch_size clip.vision.image_mean clip.vision.image_grid_pinpoints"
).split()


@pytest.mark.parametrize("kind", OF_EVERY_TYPE)
def test_any_key_may_be_of_any_type(kind: str) -> None:
    """An answer or a sentence, and no number that is none."""
    from tests.gguf.mutations import read
    from tests.gguf.test_gguf_mutations import ask_everything
    from vlmcli.errors import ModelDamaged

    good = read_header(demo.DECODER)
    for key, architecture in itertools.product(KEYS, ("llama", "clip")):
        base = {"general.architecture": architecture, "clip.projector_type": "mlp"}
        data = gguf({**base, key.format(architecture): OF_EVERY_TYPE[kind]})
        try:
            header = read(data, len(data))
        except ModelDamaged:
            continue
        ask_everything(header, good)
        assert type(header.width) is int
        assert type(header.kv_bytes_per_token) is int
