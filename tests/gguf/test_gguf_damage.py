"""Every way in which a file is no model: one sentence each, no crash, no gigabytes."""

from __future__ import annotations

import os
import struct
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.engine.tiny_gguf import Typed, gguf, spm_vocabulary, string, write
from vlmcli import demo
from vlmcli.errors import ModelDamaged, ModelNotFound
from vlmcli.gguf import read_header
from vlmcli.gguf.vocabulary import check_vocabulary

F32, F16, Q4_0, Q4_K = 0, 1, 2, 12
LLAMA = {"general.architecture": "llama"}


def start(version: int = 3, tensors: int = 0, pairs: int = 0) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, pairs)


def tensor(name: bytes, dims: tuple[int, ...], kind: int = F16, offset: int = 0) -> bytes:
    """An entry of the table of tensors, with nothing checked."""
    return struct.pack(f"<Q{len(name)}sI{len(dims)}QIQ", len(name), name, len(dims), *dims, kind, offset)


def with_tensors(*entries: bytes, data_bytes: int = 4096) -> bytes:
    head = start(tensors=len(entries)) + b"".join(entries)
    return head + bytes(-len(head) % 32) + bytes(data_bytes)


def pair(key: bytes, kind: int, data: bytes) -> bytes:
    return struct.pack("<Q", len(key)) + key + struct.pack("<I", kind) + data


def sentence_of(path: Path) -> str:
    with pytest.raises(ModelDamaged) as caught:
        read_header(path)
    assert caught.value.hint
    assert "\n" not in caught.value.sentence
    return caught.value.sentence


NO_MODELS = {
    "empty": (b"", "is not a model: it holds 0 bytes"),
    "magic alone": (b"GGUF", "is not a model: it holds 4 bytes"),
    "a web page": (b"\n <!DOCTYPE html><html>Repository not found</html>", "a web page"),
    "a web page with a byte order mark": (b"\xef\xbb\xbf<html><body>Sign in</body></html>", "a web page"),
    "an LFS pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
    "JSON": (b'{"error":"Repository not found","status":404}', "a message of a server"),
    "XML": (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "a message of a server"),
    "a few words": (b"Entry not found", "nothing but the words 'Entry not found'"),
    "a zip": (b"PK\3\4" + bytes(100), "is a zip, as PyTorch's weights are"),
    "safetensors": (struct.pack("<Q", 90) + b'{"__metadata__":{}}' + bytes(90), "holds safetensors"),
    "before GGUF": (b"tjgg" + bytes(100), "a format of llama.cpp before GGUF"),
    "zeros": (bytes(100), "starts with zeros"),
    "something else": (b"\x89PNG" + b"\1" * 100, "is not a GGUF file"),
    "big-endian": (b"GGUF" + struct.pack(">I", 3) + bytes(64), "a big-endian GGUF file"),
    "version 1": (start(1) + bytes(64), "GGUF version 1"),
    "version 99": (start(99) + bytes(64), "GGUF version 99"),
    "no version": (start(0) + bytes(64), "GGUF"),
}

LIES = {
    "tensors": (start(tensors=2**60) + bytes(64), "counts more than the file holds"),
    "pairs": (start(pairs=2**63) + bytes(64), "counts more than the file holds"),
    "key length": (start(pairs=1) + struct.pack("<Q", 2**62) + bytes(64), "counts more than the file holds"),
    "long key": (start(pairs=1) + struct.pack("<Q", 70_000) + bytes(99_999), "key in its header is 70,000 bytes"),
    "empty key": (start(pairs=1) + pair(b"", 4, bytes(4)) + bytes(64), "is empty"),
    "same key twice": (start(pairs=2) + 2 * pair(b"k", 4, bytes(4)), "has the key 'k' twice"),
    "unknown type": (start(pairs=1) + pair(b"k", 99, bytes(64)), "unknown type 99"),
    "array of arrays": (start(pairs=1) + pair(b"k", 9, struct.pack("<IQ", 9, 1) + bytes(64)), "unknown type 9"),
    "array length": (start(pairs=1) + pair(b"k", 9, struct.pack("<IQ", 4, 2**62)), "counts more"),
    "words that end too late": (
        start(pairs=1) + pair(b"k", 9, struct.pack("<IQ", 8, 100) + struct.pack("<Q", 2**63) + bytes(999)),
        "ends too early",
    ),
    "alignment 0": (gguf({**LLAMA, "general.alignment": 0}), "alignment"),
    "alignment 33": (gguf({**LLAMA, "general.alignment": 33}), "alignment"),
    "alignment of another type": (gguf({**LLAMA, "general.alignment": Typed(10, struct.pack("<Q", 32))}), "alignment"),
    "huge alignment": (
        gguf({**LLAMA, "general.alignment": 2**31}, [("w", (32,), F16, bytes(64))]),
        "ends before its tensor 'w'",
    ),
    "architecture": (gguf({"general.architecture": 7}), "architecture is not a text"),
    "dimensions": (with_tensors(tensor(b"w", (1, 1, 1, 1, 1))), "has 5 dimensions"),
    "a dimension of 0": (with_tensors(tensor(b"w", (32, 0))), "has the shape 32 x 0"),
    "a dimension below 0": (with_tensors(tensor(b"w", (2**63,))), "has the shape"),
    "too many elements": (with_tensors(tensor(b"w", (2**32, 2**32))), "has the shape"),
    "rows without whole blocks": (with_tensors(tensor(b"w", (48, 2), Q4_0)), "no multiple of 32, as Q4_0 needs"),
    "rows of K-quants": (with_tensors(tensor(b"w", (128,), Q4_K)), "no multiple of 256"),
    "offset that overflows": (with_tensors(tensor(b"w", (32,), F16, 2**64 - 32)), "does not start where"),
    "offset out of line": (with_tensors(tensor(b"w", (32,), F16, 7)), "does not start where"),
    "a gap": (with_tensors(tensor(b"v", (32,)), tensor(b"w", (32,), F16, 128)), "'w' does not start where"),
    "one over the other": (with_tensors(tensor(b"v", (32,)), tensor(b"w", (32,))), "'w' does not start where"),
    "same tensor twice": (with_tensors(tensor(b"w", (32,)), tensor(b"w", (32,), F16, 64)), "two tensors 'w'"),
    "long tensor name": (with_tensors(tensor(b"w" * 64, (32,))), "tensor name in its header is 64 bytes"),
    "type below 0": (with_tensors(tensor(b"w", (32,), 2**32 - 1)), "is of type"),
    "no layers": (gguf({**LLAMA, "llama.block_count": 0}), "0 layers"),
    "too many layers": (gguf({**LLAMA, "llama.block_count": 513}), "513 layers"),
    "experts": (gguf({**LLAMA, "llama.expert_count": 8}), "uses 0 of 8 experts"),
}


@pytest.mark.parametrize("name", NO_MODELS)
def test_what_is_no_model_gets_its_own_sentence(tmp_path: Path, name: str) -> None:
    data, sentence = NO_MODELS[name]
    path = tmp_path / "m.gguf"
    path.write_bytes(data)
    assert sentence in sentence_of(path)


@pytest.mark.parametrize("name", LIES)
def test_headers_that_lie(tmp_path: Path, name: str) -> None:
    data, sentence = LIES[name]
    path = tmp_path / "m.gguf"
    path.write_bytes(data)
    assert sentence in sentence_of(path)


CLIP = {"general.architecture": "clip", "clip.projector_type": "mlp", "clip.has_vision_encoder": True}
ENDS_THE_PROCESS = {
    "a number of another type": ({"clip.vision.image_size": Typed(5, bytes(4))}, "another type than llama.cpp reads"),
    "a text for a number": ({"clip.vision.block_count": "5"}, "another type than llama.cpp reads"),
    "a number for a text": ({"general.name": 5}, "another type than llama.cpp reads"),
    "no heads": ({"clip.vision.attention.head_count": 0}, "head_count is 0"),
    "no patches": ({"clip.vision.patch_size": 0}, "patch_size is 0"),
}


@pytest.mark.parametrize("name", ENDS_THE_PROCESS)
def test_what_llama_cpp_would_end_the_process_over(tmp_path: Path, name: str) -> None:
    more, sentence = ENDS_THE_PROCESS[name]
    assert sentence in sentence_of(write(tmp_path / "m.gguf", {**CLIP, **more}))


def test_projector_without_its_last_layer(tmp_path: Path) -> None:
    """As LLaVA 1.0's is: llama.cpp reads the width of a tensor that is not there."""
    path = write(tmp_path / "m.gguf", CLIP, [("mm.0.weight", (32, 32), F16, bytes(2048))])
    assert "the last layer of its projector is missing" in sentence_of(path)


def test_file_that_ends_before_its_weights_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    whole = gguf(LLAMA, [("w", (1024,), F16, bytes(2048))])
    path.write_bytes(whole)
    assert read_header(path).tensors["w"].elements == 1024
    path.write_bytes(whole[:-64])
    assert "ends before its tensor 'w' does" in sentence_of(path)


def test_words_that_are_no_utf8_are_read(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(gguf({"general.name": Typed(8, struct.pack("<Q", 3) + b"a\xff\xfe")}))
    assert read_header(path).text("general.name") == "a\ufffd\ufffd"


def test_text_that_is_longer_than_any_template_is_passed_over(tmp_path: Path) -> None:
    header = read_header(write(tmp_path / "m.gguf", {"tokenizer.huggingface.json": "x" * (2 << 20), **LLAMA}))
    assert header.text("tokenizer.huggingface.json") == ""
    assert header.architecture == "llama"


def test_folder_missing_file_and_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    (tmp_path / "round.gguf").symlink_to("round.gguf")
    (tmp_path / "gone.gguf").symlink_to("nowhere.gguf")
    for name, sentence in {
        "": "is a folder",
        "none.gguf": "There is no file",
        "gone.gguf": "There is no file",
        "pipe.gguf": "is not a file on disk",
        "round.gguf": "cannot be read: Too many levels",
        "pipe.gguf/m.gguf": "cannot be read: Not a directory",
        "x" * 300: "cannot be read: File name too long",
    }.items():
        with pytest.raises(ModelNotFound, match=sentence):
            read_header(tmp_path / name)
    with pytest.raises(ModelNotFound, match="is not a file on disk"):
        read_header(Path("/dev/zero"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = write(tmp_path / "m.gguf", LLAMA)
    path.chmod(0)
    with pytest.raises(ModelNotFound, match="cannot be read: Permission denied"):
        read_header(path)


# --- time and memory --------------------------------------------------------------------------------------


@contextmanager
def cheap(most_bytes: int = 300 << 20, most_s: float = 20) -> Iterator[None]:
    started = time.monotonic()
    tracemalloc.start()
    try:
        yield
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < most_bytes
    assert time.monotonic() - started < most_s


FOUR_GB = 4 << 30
BOMBS = {
    "a key of 3 GB": start(pairs=1) + struct.pack("<Q", 3 << 30),
    "a text of 3 GB": start(pairs=1) + pair(b"k", 8, struct.pack("<Q", 3 << 30)),
    "an array of 3 GB": start(pairs=1) + pair(b"k", 9, struct.pack("<IQ", 0, 3 << 30)),
    "500 million words": start(pairs=1) + pair(b"k", 9, struct.pack("<IQ", 8, 500_000_000)),
    "4 million words": start(pairs=1) + pair(b"k", 9, struct.pack("<IQ", 8, 1 << 22)),
    "100 million pairs": start(pairs=100_000_000),
    "100 million tensors": start(tensors=100_000_000),
    "a million tensors": start(tensors=1 << 20),
}


@pytest.mark.parametrize("name", BOMBS)
def test_no_count_costs_gigabytes_or_minutes(tmp_path: Path, name: str) -> None:
    """In a file that has room for all that it says: 4 GB, of which the disk holds nothing."""
    path = tmp_path / "m.gguf"
    with path.open("wb") as file:
        file.write(BOMBS[name])
        file.truncate(FOUR_GB)
    with cheap():
        sentence_of(path)


def test_as_many_words_as_are_let_pass(tmp_path: Path) -> None:
    """A million of them, twice what the largest vocabulary has with its merges, in a moment."""
    path = tmp_path / "m.gguf"
    path.write_bytes(start(pairs=1) + pair(b"k", 9, struct.pack("<IQ", 8, 1 << 20) + bytes(8 << 20)))
    started = time.monotonic()
    assert read_header(path).lengths == {"k": 1 << 20}
    assert time.monotonic() - started < 5


def test_many_short_texts_are_limited(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    word = string("x" * (1 << 20))
    path.write_bytes(start(pairs=40) + b"".join(pair(b"k%d" % n, 8, word) for n in range(40)))
    with cheap(120 << 20):
        assert "more text than any model's" in sentence_of(path)


def test_word_that_is_twice_in_the_vocabulary(tmp_path: Path) -> None:
    """llama.cpp asserts that it is not, so it is looked for before a load. Headers are read without."""
    check_vocabulary(read_header(demo.DECODER))
    check_vocabulary(read_header(demo.PROJECTOR))
    vocabulary = {**spm_vocabulary(["<|a|>"]), "tokenizer.ggml.merges": ["a b", "a b"] * 50}
    vocabulary["tokenizer.ggml.tokens"] += ["", "", "\0", "\0x"]  # llama.cpp gives names to empty ones
    vocabulary["tokenizer.ggml.tokens"] += ["new"]
    check_vocabulary(read_header(write(tmp_path / "good.gguf", vocabulary)))
    for word in ("<s>", "new\0 and more"):
        words = [*vocabulary["tokenizer.ggml.tokens"], word]
        header = read_header(write(tmp_path / "bad.gguf", {**vocabulary, "tokenizer.ggml.tokens": words}))
        with pytest.raises(ModelDamaged, match="a word of its vocabulary is there twice"):
            check_vocabulary(header)
