"""What a family says reaches the engine: its template, the room around a picture, the size of one, and the keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.engine.made_models import any_size
from tests.engine.tiny_gguf import write
from tests.models.families.references import IMAGE, PICTURE
from vlmcli import demo
from vlmcli.core import Family, Finished, LoadedImage, ModelFiles, Picture, Request, Sampling, Text, Turn
from vlmcli.engine import ENGINES, EngineSettings, identity
from vlmcli.engine.detail import Budget
from vlmcli.engine.held import RowKey
from vlmcli.engine.identity import identity_of, template_of
from vlmcli.engine.llama import projector
from vlmcli.engine.llama.abort import Abort
from vlmcli.engine.llama.decoder import Decoder, Vocabulary
from vlmcli.engine.llama.identity import identify
from vlmcli.engine.llama.model import OpenModel, spaced
from vlmcli.engine.llama.pieces import row_pieces
from vlmcli.engine.llama.prompt import render
from vlmcli.engine.llama.template import ChatTemplate
from vlmcli.engine.modes import Mode
from vlmcli.models import resolve_model
from vlmcli.models.families import FAMILIES

RED = LoadedImage("red", 64, 64, b"\xff\0\0" * 64 * 64, "the digest of red")


def demo_files(**changes: Any) -> ModelFiles:
    files = resolve_model("demo")
    return replace(files, family=replace(files.family, **changes))


def answer(files: ModelFiles) -> str:
    engine = ENGINES["llama"](files, EngineSettings())
    try:
        turn = Turn("user", (Picture(RED), Text("What colour is this picture?")))
        events = list(engine.stream([Request(0, (turn,), Sampling(max_tokens=12))]))
    finally:
        engine.close()
    assert isinstance(events[-1], Finished), events[-1]
    return events[-1].answer.text


def test_which_template_is_taken() -> None:
    ours = replace(FAMILIES["qwen2-vl"], chat_template="ours")
    assert template_of(ours, "theirs") == "theirs"
    assert template_of(ours, "") == "ours"
    assert template_of(replace(ours, own_template_first=False), "theirs") == "ours"
    assert template_of(replace(ours, chat_template="", own_template_first=False), "theirs") == "theirs"


def test_own_template_first_is_what_the_engine_does() -> None:
    assert answer(demo_files(chat_template="{% nonsense", own_template_first=True)) == answer(demo_files())


@pytest.fixture
def asked_tokens(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """`image_min_tokens` of every projector that is opened, as C gets it."""
    found: list[int] = []
    open_really: Callable[..., Any] = projector.mtmd.mtmd_init_from_file

    def recording(path: bytes, decoder: Any, params: Any) -> Any:
        found.append(params.image_min_tokens)
        return open_really(path, decoder, params)

    monkeypatch.setattr(projector.mtmd, "mtmd_init_from_file", recording)
    return found


def test_tokens_for_a_picture_reach_the_projector(asked_tokens: list[int]) -> None:
    """The projector of the model in the box takes one size only: its answer is the same."""
    assert answer(demo_files(image_min_tokens=1024)) == answer(demo_files())
    assert asked_tokens == [1024, projector.mtmd.mtmd_context_params_default().image_min_tokens]


@pytest.fixture(scope="module")
def any_size_projector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return any_size(tmp_path_factory.mktemp("projector") / "mmproj.gguf")


@pytest.mark.parametrize(("image_min_tokens", "expected"), [(0, 16), (1024, 1024)])
def test_a_small_picture_gets_as_many_tokens_as_the_family_says(
    any_size_projector: Path, image_min_tokens: int, expected: int
) -> None:
    """112 pixels are 8 patches of 14, and 4 of them make one token; 1024 tokens are the picture scaled up."""
    small = LoadedImage("small", 112, 112, bytes(112 * 112 * 3), "small")
    abort = Abort()
    decoder = Decoder(demo.DECODER, abort, Mode.PLAIN)
    try:
        opened = projector.Projector(any_size_projector, decoder, abort, 1, budget=Budget(min_tokens=image_min_tokens))
        try:
            assert sum(piece.n_tokens for piece in row_pieces(opened.pieces(small))) == expected
        finally:
            opened.close()
    finally:
        decoder.close()


def test_tokens_for_a_picture_change_the_keys() -> None:
    plain, sized = demo_files(), demo_files(image_min_tokens=1024)
    assert identify(plain, Mode.FULL).rows != identify(sized, Mode.FULL).rows
    assert identify(plain, Mode.FULL).decoder == identify(sized, Mode.FULL).decoder
    assert identify(plain, Mode.FULL) == identify(replace(plain, name=plain.name), Mode.FULL)
    assert identity_of(plain, EngineSettings()) != identity_of(sized, EngineSettings())


@pytest.mark.parametrize(
    "changes",
    [
        {"before_picture": "\n\n"},
        {"own_template_first": True},
        {"template_variables": {"enable_thinking": False}},
        {"template_variables": {"enable_thinking": True}},
    ],
    ids=str,
)
def test_what_changes_the_prompt_changes_the_key_of_answers(changes: dict[str, Any]) -> None:
    assert identity_of(demo_files(**changes), EngineSettings()) != identity_of(demo_files(), EngineSettings())


def test_lines_before_a_picture_outlast_a_template_that_trims() -> None:
    family = FAMILIES["gemma-3"]
    template = ChatTemplate("<{{ messages[0].content | trim }}>", "", "")
    request = Request(0, (Turn("user", (Picture(IMAGE), Text("Q"))),))
    parts = render(spaced(request, family), template, family.separator)
    shown = [PICTURE if isinstance(part, LoadedImage) else "".join(span.text for span in part) for part in parts]
    assert shown == ["<\n\n", PICTURE, "\n\nQ>"]


def test_the_engine_reads_what_the_family_says() -> None:
    """All at once: its template, what that is told, and the room around the picture."""
    family = replace(FAMILIES["glm-4v"], own_template_first=False, before_picture="!", separator="?")
    family = replace(family, template_variables={"enable_thinking": True})
    before, after = "[gMASK]<sop><|user|>\n!", "?Q<|assistant|>\n"
    with prompt_tokens(replace(demo_files(), family=family)) as (tokens, vocabulary):
        assert tokens == [
            [vocabulary.bos, *vocabulary.tokenize(before, parse_special=True)],
            vocabulary.tokenize(after, parse_special=True),
        ]


@pytest.mark.parametrize("adds_bos", [True, False])
def test_bos_stands_once_before_a_template_that_writes_it(tmp_path: Path, adds_bos: bool) -> None:
    files = demo_files(chat_template="{{ bos_token }}{{ messages[0].content }}", separator="")
    data = files.decoder.read_bytes()
    key = b"tokenizer.ggml.add_bos_token" + (7).to_bytes(4, "little")  # a bool
    decoder = tmp_path / "m.gguf"
    decoder.write_bytes(data.replace(key + b"\1", key + bytes([adds_bos])))
    with prompt_tokens(replace(files, decoder=decoder)) as (tokens, vocabulary):
        assert vocabulary.adds_bos is adds_bos
        assert tokens == [[vocabulary.bos], vocabulary.tokenize("Q", parse_special=True)]


@contextmanager
def prompt_tokens(files: ModelFiles) -> Iterator[tuple[list[list[int]], Vocabulary]]:
    """The runs of tokens in the prompt of a picture and Q, as the engine hands them to llama.cpp."""
    model = OpenModel(files, EngineSettings(), Abort())
    try:
        answering = model.prepare(Request(0, (Turn("user", (Picture(RED), Text("Q"))),), Sampling(max_tokens=4)))
        yield [list(key) for key in answering.keys if not isinstance(key, RowKey)], model.decoder.vocabulary
    finally:
        model.close()


def test_a_date_in_the_files_own_template_counts_where_that_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dated = write(tmp_path / "m.gguf", {"tokenizer.chat_template": "{{ strftime_now('%Y') }}"})
    family = Family("x", chat_template="{{ messages }}")
    theirs = replace(demo_files(), decoder=dated, family=replace(family, own_template_first=True))
    ours = replace(theirs, family=family)
    before = [identity_of(files, EngineSettings()) for files in (theirs, ours)]
    monkeypatch.setattr(identity, "date", Tomorrow)
    after = [identity_of(files, EngineSettings()) for files in (theirs, ours)]
    assert [then == now for then, now in zip(before, after, strict=True)] == [False, True]


class Tomorrow(date):
    @classmethod
    def today(cls) -> Tomorrow:
        return cls(2999, 1, 1)
