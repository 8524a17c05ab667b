"""What is sent: a request as JSON, by the kind of server."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.conftest import Result
from tests.engine.server import fake as faults
from tests.engine.server.fake import Fake
from vlmcli import Vlm
from vlmcli.core import (
    Answer,
    Choices,
    Failed,
    Finished,
    Form,
    LoadedImage,
    Pattern,
    Picture,
    Request,
    Sampling,
    Schema,
    Text,
    Turn,
)
from vlmcli.engine.server.body import body_of
from vlmcli.engine.server.dialects import DIALECTS, UNKNOWN, Dialect, dialect_named, dialect_of
from vlmcli.errors import UsageError

Run = Callable[..., Result]

RED = LoadedImage("a.png", 2, 1, bytes(6), "d1")
BLUE = LoadedImage("b.png", 1, 2, bytes(6), "d2")
URIS = {"d1": "data:image/png;base64,AAAA", "d2": "data:image/jpeg;base64,BBBB"}
ALL = [*DIALECTS, UNKNOWN]


def body(request: Request, dialect: Dialect = UNKNOWN, **more: Any) -> dict[str, Any]:
    return dict(json.loads(body_of(request, "m", dialect, URIS, **more)))


def request(*parts: Any, **more: Any) -> Request:
    return Request(0, (Turn("user", parts or (Picture(RED), Text("What?"))),), **more)


def test_turns_and_parts_in_their_order() -> None:
    turns = (
        Turn("system", (Text("Be brief."),)),
        Turn("user", (Picture(RED), Text("One?"), Picture(BLUE))),
        Turn("assistant", (Text("Yes."),)),
        Turn("user", (Text("Two?"),)),
    )
    assert body(Request(0, turns))["messages"] == [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": URIS["d1"]}},
                {"type": "text", "text": "One?"},
                {"type": "image_url", "image_url": {"url": URIS["d2"]}},
            ],
        },
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "Two?"},
    ]


def test_only_what_is_unusual_is_said_of_sampling() -> None:
    plain = body(request())
    assert (plain["max_tokens"], plain["temperature"], plain["stream"]) == (512, 0.0, True)
    assert not {"top_p", "seed", "stop", "dry_multiplier", "frequency_penalty", "response_format"} & set(plain)
    sampling = Sampling(9, 0.5, 0.9, 7, stop=("</s>",))
    said = body(request(sampling=sampling))
    assert (said["max_tokens"], said["temperature"], said["top_p"], said["seed"]) == (9, 0.5, 0.9, 7)
    assert said["stop"] == ["</s>"]
    assert "max_completion_tokens" in body(request(), dialect_named("openai"))


def test_a_loop_is_made_costly_as_the_server_knows_it() -> None:
    looping = request(sampling=Sampling(dry_multiplier=0.8), prefix="so far")
    assert body(looping, dialect_named("llama.cpp"))["dry_multiplier"] == 0.8
    other = body(looping, dialect_named("vllm"))
    assert (other["frequency_penalty"], other["continue_final_message"]) == (0.5, True)
    assert other["messages"][-1] == {"role": "assistant", "content": "so far"}


@pytest.mark.parametrize("dialect", ALL, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize(
    "form",
    [Choices(("red", 'a "b"')), Schema('{"type": "object"}'), Pattern("^a+$")],
    ids=["choices", "schema", "pattern"],
)
def test_a_form_is_asked_for_or_refused(dialect: Dialect, form: Form) -> None:
    if isinstance(form, Pattern) and dialect.pattern == "no":
        with pytest.raises(UsageError, match="cannot be kept to a regular expression"):
            body(request(form=form), dialect)
        return
    fields = set(body(request(form=form), dialect)) - set(body(request(), dialect))
    if isinstance(form, Schema):
        assert fields == {"response_format"}
    elif isinstance(form, Choices):
        assert fields >= {"logprobs", "top_logprobs"}
        assert (len(fields) > 2) == (dialect.choices != "words")
    else:
        assert fields


def test_the_kinds_of_servers_are_told_apart() -> None:
    assert [dialect_of(owner).name for owner in ("llamacpp", "vllm", "library", "")] == [
        *("llama.cpp", "vllm", "ollama", "unknown")
    ]
    assert all(dialect_named(each.name) == each for each in ALL)
    assert body(request(), dialect_named("llama.cpp"), again=True)["cache_prompt"] is False


def test_words_that_are_no_unicode_do_not_stop_it() -> None:
    assert body(request(Text("a\udcff")))["messages"][0]["content"] == "a?"


# --- through the whole engine -------------------------------------------------------------------------------


def test_the_picture_arrives_with_all_its_pixels(vlm: Run, picture: str, fake: Fake) -> None:
    vlm("describe", picture, "--engine", fake.url)
    url = fake.chats[0].body["messages"][0]["content"][0]["image_url"]["url"]
    head, _, data = url.partition(",")
    assert head == "data:image/png;base64"
    sent = Image.open(io.BytesIO(base64.b64decode(data)))
    assert sent.convert("RGB").tobytes() == Image.open(picture).convert("RGB").tobytes()


def test_a_picture_is_made_small_enough(vlm: Run, tmp_path: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    import random

    Image.frombytes("RGB", (400, 300), random.Random(1).randbytes(360_000)).save(tmp_path / "noise.png")
    config = tmp_path / "config.toml"
    config.write_text(f'[engines.near]\nurl = "{fake.url}"\npicture_limit = "20K"\n')
    monkeypatch.setenv("VLM_CONFIG", str(config))
    vlm("describe", tmp_path / "noise.png", "--engine", "near")
    url = fake.chats[0].body["messages"][0]["content"][0]["image_url"]["url"]
    assert len(base64.b64decode(url.partition(",")[2])) <= 20_000


def asked(vlm: Vlm, picture: Path, form: Form | None = None, **more: Any) -> Answer | Exception:
    from vlmcli.images import load, resolve

    turn = Turn("user", (Picture(load(resolve(str(picture)))), Text("Which?")))
    events = list(vlm._open_engine().stream([Request(0, (turn,), Sampling(), form, **more)]))
    (last,) = [event for event in events if isinstance(event, Finished | Failed)]
    return last.answer if isinstance(last, Finished) else last.error


@pytest.mark.parametrize(
    ("said", "chosen"), [("red", "red"), ("It is Blue.", "blue"), ("none of them", None), ("red and blue", None)]
)
def test_without_a_way_to_keep_it_to_choices_the_words_decide(
    picture: str, fake: Fake, said: str, chosen: str | None
) -> None:
    fake.words = (said,)
    with Vlm(engine=fake.url) as vlm:
        answer = asked(vlm, Path(picture), Choices(("red", "blue")))
    if chosen is None:
        assert "the choices" in str(answer)
    else:
        assert isinstance(answer, Answer)
        assert (answer.text, answer.probabilities) == (chosen, ())  # no log probabilities: it is not known how sure


def test_log_probabilities_where_the_server_has_them(picture: str, fake: Fake) -> None:
    def with_logprobs(handler: faults.Handler) -> None:
        tops = [{"token": " red", "logprob": -1.0}, {"token": " blue", "logprob": -0.5}]
        content = [{"token": " red", "logprob": -1.0, "top_logprobs": tops}]
        handler.begin()
        chosen = {"index": 0, "delta": {"content": "red"}, "finish_reason": None, "logprobs": {"content": content}}
        handler.piece(faults.event({"choices": [chosen]}))
        handler.end()

    fake.always = with_logprobs
    with Vlm(engine=fake.url) as vlm:
        answer = asked(vlm, Path(picture), Choices(("red", "blue")))
    assert isinstance(answer, Answer)
    assert answer.text == "blue"
    assert answer.probabilities == pytest.approx((0.3775, 0.6225), abs=1e-3)


def test_what_is_not_of_the_form_is_refused(picture: str, fake: Fake) -> None:
    fake.owner = "vllm"
    with Vlm(engine=fake.url) as vlm:
        assert "is not JSON: A red circle." in str(asked(vlm, Path(picture), Schema("{}")))
        fake.words = ('{"many": "two"}',)
        assert "does not fit the schema" in str(asked(vlm, Path(picture), Schema('{"required": ["few"]}')))
        fake.words = faults.WORDS
        assert "does not match the pattern" in str(asked(vlm, Path(picture), Pattern("[0-9]+")))
        fake.words = ("42",)
        assert getattr(asked(vlm, Path(picture), Pattern("[0-9]+")), "text", "") == "42"


def test_a_form_is_not_cut_by_what_ends_other_answers(vlm: Run, picture: str, fake: Fake) -> None:
    fake.words = ("[", *('"la", ' for _ in range(100)), '"<|im_end|>"]')
    command = ["ask", picture, "Which?", "--schema", '{"type": "array"}', "--engine", fake.url, "--family", "chatml"]
    result = vlm(*command)
    assert (result.code, len(json.loads(result.stdout))) == (0, 101)
    assert "stop" not in fake.chats[0].body


def test_an_answer_that_cannot_be_gone_on_with_ends_in_its_loop(vlm: Run, picture: str, fake: Fake) -> None:
    fake.words = tuple(["la "] * 200)
    result = vlm("ocr", picture, "--engine", fake.url, "--format", "json")
    record = json.loads(result.stdout)
    assert (record["stop_reason"], record["cut_short"]) == ("repetition", True)
    assert len(fake.chats) == 1
    fake.owner = "llamacpp"
    vlm("ocr", picture, "--engine", fake.url)
    assert fake.chats[-1].body["messages"][-1]["role"] == "assistant"


def test_an_echo_of_what_was_to_be_gone_on_with_is_left_out(picture: str, fake: Fake) -> None:
    fake.owner, fake.words = "llamacpp", ("There are", " two.")
    with Vlm(engine=fake.url) as vlm:
        assert getattr(asked(vlm, Path(picture), prefix="There are"), "text", "") == " two."
