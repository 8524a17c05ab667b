"""Mutated headers: each is a Header that can be asked anything, or a sentence. Never another error, never slow."""

from __future__ import annotations

import random
import time
import tracemalloc

import pytest

from tests.engine.tiny_gguf import gguf, spm_vocabulary
from tests.gguf.mutations import Whole, mutant, read, whole
from vlmcli import demo
from vlmcli.errors import VlmError
from vlmcli.gguf import Header, find_parts
from vlmcli.gguf.facts import facts_of
from vlmcli.models.families import family_for
from vlmcli.models.memory import memory_needed
from vlmcli.models.pairing import check_roles, check_widths, pair_warnings

F16 = 1
PROPERTIES = [name for name, value in vars(Header).items() if isinstance(value, property)]


@pytest.fixture(scope="module")
def starts() -> list[Whole]:
    words = {**spm_vocabulary(["<|a|>"]), "list": [1.5, 2.5], "split.count": 2, "llama.attention.head_count_kv": [1, 2]}
    clip = {
        "general.architecture": "clip",
        "clip.projector_type": "qwen3vl_merger",
        "clip.has_vision_encoder": True,
        "clip.vision.image_size": 32,
        "clip.vision.patch_size": 16,
        "clip.vision.image_mean": [0.5, 0.5, 0.5],
    }
    tensors = [("mm.2.bias", (32,), F16, bytes(64)), ("mm.2.weight", (32, 32), F16, bytes(2048))]
    files = [demo.DECODER.read_bytes(), demo.PROJECTOR.read_bytes(), gguf(words, tensors), gguf(clip, tensors)]
    return [whole(data) for data in files]


def check_sentence(error: VlmError) -> None:
    """One, and short: nothing of a damaged file is shown at length."""
    assert len(error.sentence) < 400, error.sentence
    assert error.sentence.endswith("."), error.sentence


def ask_everything(header: Header, other: Header) -> None:
    """All that vlm asks of a header, in both roles."""
    for name in PROPERTIES:
        getattr(header, name)
    facts_of(header)
    for decoder, projector in ((header, other), (other, header)):
        assert memory_needed(decoder, projector, 4096).total_bytes >= 0
        family_for(decoder, projector)
        pair_warnings(decoder, projector, known_pair=False)
        for check in (check_roles, check_widths):
            try:
                check(decoder, projector)
            except VlmError as error:
                check_sentence(error)
    try:
        find_parts(header)
    except VlmError:
        return


def try_mutants(starts: list[Whole], seed: int, count: int) -> tuple[int, float]:
    """How many could still be read, and the longest time that one took, in seconds."""
    chance = random.Random(seed)
    others = [read(start.data, start.size_bytes) for start in starts[:2]]
    n_read, longest_s = 0, 0.0
    for _ in range(count):
        # The real headers are long: most are tried on the small ones, which hold the same kinds of things.
        data, size_bytes = mutant(starts[chance.choice((0, 1, 2, 2, 3, 3, 3, 3))], chance)
        started = time.perf_counter()
        try:
            header = read(data, size_bytes)
        except VlmError as error:
            check_sentence(error)
        else:
            n_read += 1
            ask_everything(header, chance.choice(others))
        longest_s = max(longest_s, time.perf_counter() - started)
    return n_read, longest_s


def test_two_thousand_mutants(starts: list[Whole]) -> None:
    n_read, longest_s = try_mutants(starts, seed=1, count=2000)
    assert 100 < n_read < 1900, "mutations that all pass or all fail try nothing"
    assert longest_s < 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
def test_a_hundred_thousand_mutants(starts: list[Whole], seed: int) -> None:
    n_read, longest_s = try_mutants(starts, seed, count=10_000)
    assert 500 < n_read < 9500
    assert longest_s < 1


def test_mutants_take_no_memory(starts: list[Whole]) -> None:
    """The file is 4 MB at most: no lie in it may cost more than a few times that."""
    tracemalloc.start()
    try:
        try_mutants(starts, seed=2, count=150)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 40 << 20


@pytest.mark.parametrize("which", [2, 3])
def test_a_header_cut_anywhere_is_a_sentence(starts: list[Whole], which: int) -> None:
    start = starts[which]
    for length in range(len(start.data)):
        with pytest.raises(VlmError):
            read(start.data[:length], length)
