"""Every family's prompts against its makers' own, character by character and token by token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from tests.engine.tiny_gguf import spm_vocabulary, write
from tests.models.families.references import (
    CONVERSATIONS,
    PICTURE,
    byte_pair_vocabulary,
    control_words,
    opened_vocabulary,
    parts_of,
    reference_of,
    text_of,
)
from vlmcli import demo
from vlmcli.core import LoadedImage
from vlmcli.engine.llama.decoder import Vocabulary
from vlmcli.engine.llama.prompt import tokenize_run
from vlmcli.models.families import FAMILIES

CASES = [
    pytest.param(family, conversation, id=f"{family}: {conversation}")
    for family in FAMILIES
    for conversation in CONVERSATIONS
    if conversation != "two_pictures" or FAMILIES[family].several_pictures
]


def test_a_family_is_in_the_table_under_its_name() -> None:
    assert all(name == family.name for name, family in FAMILIES.items())


@pytest.mark.parametrize("family", FAMILIES)
def test_a_reference_shows_what_the_family_can(family: str) -> None:
    """Several pictures need a reference of two; every reference has its picture in it."""
    reference = reference_of(family)
    assert bool(reference.two_pictures) == FAMILIES[family].several_pictures
    assert reference.two_pictures.count(reference.picture) == 2 * FAMILIES[family].several_pictures
    for prompt in (reference.question, reference.with_system, reference.second_turn):
        assert prompt.count(reference.picture) == 1


@pytest.mark.parametrize(("family", "conversation"), CASES)
def test_prompt_is_the_reference(family: str, conversation: str) -> None:
    reference = reference_of(family)
    parts = parts_of(family, CONVERSATIONS[conversation])
    rendered = "".join(reference.picture if isinstance(part, LoadedImage) else text_of(part) for part in parts)
    assert rendered == getattr(reference, conversation)


@pytest.fixture(scope="module", params=["spm", "byte pairs", "demo"])
def vocabulary(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vocabulary]:
    """The two kinds that models have, each with all control words; and a trained one, where most of these are words."""
    path = demo.DECODER
    if request.param != "demo":
        words = ["US", "ER", "▁US", "▁the", "</", "▁<", "s>", "im", "▁Q", "\n\n"]
        metadata = (
            spm_vocabulary(control_words(), words) if request.param == "spm" else byte_pair_vocabulary(control_words())
        )
        path = write(tmp_path_factory.mktemp("vocabulary") / "v.gguf", metadata)
    with opened_vocabulary(path) as opened:
        yield opened


@pytest.mark.parametrize(("family", "conversation"), CASES)
def test_tokens_are_those_of_the_whole_string(family: str, conversation: str, vocabulary: Vocabulary) -> None:
    reference = reference_of(family)
    ours = [
        tokenize_run(part, vocabulary)
        for part in parts_of(family, CONVERSATIONS[conversation])
        if not isinstance(part, LoadedImage)
    ]
    assert ours == reference_tokens(getattr(reference, conversation), reference.picture, vocabulary)


def reference_tokens(prompt: str, picture: str, vocabulary: Vocabulary) -> list[list[int]]:
    """Ids of the runs between the pictures. A picture is a control token where the vocabulary has one for it."""
    mark = vocabulary.control_words.get(PICTURE)
    if mark is None:
        return [vocabulary.tokenize(run, parse_special=True) for run in prompt.split(picture)]
    return split_at(mark, vocabulary.tokenize(prompt.replace(picture, PICTURE), parse_special=True))


def split_at(mark: int, tokens: Sequence[int]) -> list[list[int]]:
    runs: list[list[int]] = [[]]
    for token in tokens:
        if token == mark:
            runs.append([])
        else:
            runs[-1].append(token)
    return runs


def test_control_words_of_the_references_are_control_tokens(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Otherwise the tests above would compare words with words."""
    words = control_words()
    assert {"<|im_start|>", "[INST]", "[gMASK]", "<start_of_turn>", "<end_of_utterance>"} <= set(words)
    folder = tmp_path_factory.mktemp("vocabulary")
    for name, metadata in (("spm", spm_vocabulary(words)), ("bpe", byte_pair_vocabulary(words))):
        with opened_vocabulary(write(folder / f"{name}.gguf", metadata)) as opened:
            for word in words:
                assert [opened.text_of(id) for id in opened.tokenize(word, parse_special=True)] == [word]
