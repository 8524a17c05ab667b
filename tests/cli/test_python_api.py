"""`from vlmcli import Vlm`: what the command line is built on."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import fields
from io import BytesIO
from pathlib import Path
from typing import Any, get_origin

import pytest
from PIL import Image

from vlmcli import Reply, Vlm, demo
from vlmcli.cli.options import Common
from vlmcli.core import JobEvent
from vlmcli.errors import (
    DoesNotFit,
    ModelError,
    ModelMismatch,
    ModelNotChosen,
    ModelNotFound,
    NotAPicture,
    PictureNotFound,
    UsageError,
    VlmError,
)
from vlmcli.tasks.limits import LIMITS

QUESTION = "How many shapes are there?"


@pytest.fixture
def model() -> Iterator[Vlm]:
    with Vlm("demo") as opened:
        yield opened


def test_an_answer_streams_and_is_whole(model: Vlm, picture: str) -> None:
    reply = model.ask(picture, QUESTION, max_tokens=12)
    words = list(reply)
    assert len(words) > 1
    assert "".join(words).strip() == str(reply).strip() == reply.text.strip()
    assert reply.record.question == QUESTION


def test_words_come_before_the_end(model: Vlm, picture: str) -> None:
    reply = model.ask(picture, QUESTION, max_tokens=12)
    first = next(iter(reply))
    assert reply.text.lstrip().startswith(first.lstrip())
    assert len(reply.text) > len(first)


def test_it_can_be_iterated_twice(model: Vlm, picture: str) -> None:
    reply = model.ask(picture, QUESTION, max_tokens=8)
    assert list(reply) == list(reply) != []


def test_the_record_tells_everything(model: Vlm, picture: str) -> None:
    record = model.ask(picture, QUESTION, max_tokens=2).record
    (info,) = record.pictures
    assert (info.name, info.width, info.height) == (picture, 384, 384)
    assert (record.task, record.model) == ("ask", "demo")
    assert record.prompt_tokens > record.image_tokens > 0
    assert record.answer_tokens == 2
    assert record.timings.first_token_ms > 0


def as_pil(path: str) -> Image.Image:
    return Image.open(path)


def as_other_bytes(path: str) -> bytes:
    file = BytesIO()
    Image.open(path).save(file, "PNG", compress_level=0)
    return file.getvalue()


FORMS: dict[str, Callable[[str], Any]] = {
    "Path": Path,
    "absolute": lambda path: str(Path(path).absolute()),
    "bytes": lambda path: Path(path).read_bytes(),
    "bytearray": lambda path: bytearray(Path(path).read_bytes()),
    "other bytes of the same pixels": as_other_bytes,
    "PIL": as_pil,
    "loaded PIL": lambda path: as_pil(path).copy(),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_picture_in_any_form(model: Vlm, picture: str, form: str) -> None:
    named = model.ask(picture, QUESTION, max_tokens=4).record
    given = model.ask(FORMS[form](picture), QUESTION, max_tokens=4).record
    assert (given.text, given.pictures[0].digest) == (named.text, named.pictures[0].digest)


def test_all_tasks(model: Vlm, pictures: list[str]) -> None:
    replies = {
        "describe": model.describe(pictures[0], style="tags", max_tokens=3),
        "ask": model.ask(pictures, QUESTION, max_tokens=3),
        "compare": model.compare(*pictures, max_tokens=3),
        "ocr": model.ocr(pictures[0], max_tokens=3),
    }
    for task, reply in replies.items():
        assert reply.record.task == task
    assert len(replies["ask"].record.pictures) == len(replies["compare"].record.pictures) == 3


def test_a_second_question_after_a_half_read_answer(model: Vlm, pictures: list[str]) -> None:
    half = model.ask(pictures[0], QUESTION, max_tokens=12)
    first = next(iter(half))
    second = model.ask(pictures[1], QUESTION, max_tokens=12).text
    assert half.text.lstrip().startswith(first.lstrip())
    assert half.text == model.ask(pictures[0], QUESTION, max_tokens=12).text
    assert second == model.ask(pictures[1], QUESTION, max_tokens=12).text


def test_another_thread_is_told_to_take_its_turn() -> None:
    asked, answered = threading.Event(), threading.Event()

    def events() -> Iterator[JobEvent]:
        asked.set()
        answered.wait(60)
        yield from ()

    reply = Reply(events())
    thread = threading.Thread(target=reply.advance)
    thread.start()
    asked.wait(60)
    with pytest.raises(UsageError, match="answers another thread"):
        reply.advance()
    answered.set()
    thread.join()
    assert reply.advance() is False


def test_answers_can_be_read_in_any_order(model: Vlm, pictures: list[str]) -> None:
    replies = [model.ask(name, QUESTION, max_tokens=6) for name in pictures]
    assert [reply.record.name for reply in reversed(replies)] == list(reversed(pictures))


def test_nothing_is_opened_before_the_first_question(monkeypatch: pytest.MonkeyPatch, picture: str) -> None:
    def open_engine(*_arguments: object) -> None:
        raise AssertionError("the engine was opened")

    monkeypatch.setattr("vlmcli.backend.ENGINES", {"llama": open_engine})
    reply = Vlm("demo").ask(picture, QUESTION)
    with pytest.raises(AssertionError, match="was opened"):
        str(reply)


def test_the_model_is_opened_once(model: Vlm, picture: str) -> None:
    first, second = (model.ask(picture, QUESTION, max_tokens=2).record for _ in range(2))
    assert first.timings.load_ms > 0
    assert second.timings.load_ms == 0
    assert first.text == second.text


def test_a_closed_model_opens_again(picture: str) -> None:
    model = Vlm("demo")
    first = model.ask(picture, QUESTION, max_tokens=4).text
    assert model.close() is True
    assert model.close() is True
    assert model.ask(picture, QUESTION, max_tokens=4).text == first
    model.close()


def test_two_models_side_by_side(picture: str) -> None:
    with Vlm("demo") as one, Vlm(demo.DECODER, mmproj=demo.PROJECTOR) as two:
        a, b = one.ask(picture, QUESTION, max_tokens=12), two.ask(picture, QUESTION, max_tokens=12)
        next(iter(a))
        assert b.text == a.text


def test_the_variable_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLM_MODEL", "demo")
    assert Vlm().model == "demo"


@pytest.mark.parametrize(
    ("arguments", "options", "error"),
    [
        ([], {}, ModelNotChosen),
        (["llava"], {}, ModelNotFound),
        ([demo.DECODER], {}, ModelMismatch),
        (["demo"], {"family": "lava"}, ModelError),
    ],
)
def test_a_model_is_refused_at_once(arguments: list[Any], options: dict[str, Any], error: type[VlmError]) -> None:
    with pytest.raises(error) as raised:
        Vlm(*arguments, **options)
    assert raised.value.hint
    assert str(raised.value) == raised.value.sentence


@pytest.mark.parametrize(
    ("picture", "error"), [("none.png", PictureNotFound), (b"no picture at all", NotAPicture), (7, UsageError)]
)
def test_what_is_no_picture(model: Vlm, picture: Any, error: type[VlmError]) -> None:
    with pytest.raises(error):
        str(model.ask(picture, QUESTION))


BAD_VALUES: list[tuple[str, Any]] = [
    ("max_tokens", 0),
    ("max_tokens", "5"),
    ("max_tokens", 2.5),
    ("temperature", math.nan),
    ("temperature", -1),
    ("top_p", 5),
    ("seed", -1),
    ("timeout_s", 0),
    ("min_confidence", math.nan),
    ("detail", "x"),
    ("system", 7),
]


@pytest.mark.parametrize(("name", "value"), BAD_VALUES)
def test_a_value_that_makes_no_sense_is_refused_by_its_name(model: Vlm, picture: str, name: str, value: Any) -> None:
    typed = f"--{name.removesuffix('_s').replace('_', '-')} is"
    with pytest.raises(UsageError, match=typed) as raised:
        model.ask(picture, QUESTION, **{name: value})
    assert raised.value.hint


def test_values_have_the_limits_of_the_command_line() -> None:
    declared = {field.name: field.type.__metadata__[0] for field in fields(Common) if get_origin(field.type)}
    for name in ("max_tokens", "temperature", "top_p", "seed"):
        assert (declared[name].min, declared[name].max or math.inf) == (LIMITS[name].least, LIMITS[name].most)


def test_no_picture_at_all(model: Vlm) -> None:
    questions: list[Callable[[], Any]] = [
        lambda: model.ask([], QUESTION),
        lambda: model.compare(),
        lambda: model.describe([]),
        lambda: model.ocr([]),
        lambda: model.conversation(),
    ]
    for question in questions:
        with pytest.raises(UsageError):
            question()


def test_an_error_stays_an_error(model: Vlm, picture: str) -> None:
    reply = model.ask(picture, "word " * 3000)
    for _ in range(2):
        with pytest.raises(DoesNotFit):
            _ = reply.text
    assert model.ask(picture, QUESTION, max_tokens=2).record.answer_tokens == 2  # and the next one is answered


def test_it_prints_nothing(picture: str, capfd: pytest.CaptureFixture[str]) -> None:
    with Vlm("demo") as model:
        model.ask(picture, QUESTION, max_tokens=2).text  # noqa: B018
    assert capfd.readouterr() == ("", "")


def test_only_these_names_are_offered() -> None:
    import vlmcli

    assert vlmcli.Reply is Reply
    with pytest.raises(AttributeError):
        _ = vlmcli.Engine  # type: ignore[attr-defined]
