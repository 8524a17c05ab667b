"""The real engine on the model in the box."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from io import BytesIO

import pytest
from PIL import Image, ImageDraw

from vlmcli.core import (
    Answer,
    Event,
    Failed,
    Finished,
    LoadedImage,
    Note,
    Picture,
    Request,
    Sampling,
    Text,
    TextChunk,
    Turn,
)
from vlmcli.engine import ENGINES, Engine, EngineSettings
from vlmcli.errors import DoesNotFit
from vlmcli.images import load, resolve
from vlmcli.models import resolve_model

QUESTION = "Describe this picture in one or two sentences."


def drawn(background: str, shape: str) -> LoadedImage:
    image = Image.new("RGB", (240, 180), background)
    ImageDraw.Draw(image).ellipse((20, 20, 90, 90), fill=shape)
    file = BytesIO()
    image.save(file, "PNG")
    return load(resolve(file.getvalue()))


RED, BLUE = drawn("red", "white"), drawn("blue", "yellow")


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = ENGINES["llama"](resolve_model("demo"), EngineSettings())
    yield made
    made.close()


def request(id: int, *images: LoadedImage, question: str = QUESTION, **sampling: object) -> Request:
    turn = Turn("user", (*[Picture(image) for image in images], Text(question)))
    return Request(id, (turn,), Sampling(**{"max_tokens": 24, **sampling}))  # type: ignore[arg-type]


def answers(engine: Engine, *requests: Request) -> dict[int, Answer]:
    return {e.id: e.answer for e in engine.stream(requests) if isinstance(e, Finished)}


def test_chunks_together_are_the_answer(engine: Engine) -> None:
    events = list(engine.stream([request(7, RED)]))
    answer = events[-1].answer  # type: ignore[union-attr]
    assert "".join(e.text for e in events if isinstance(e, TextChunk)) == answer.text
    assert answer.text
    assert answer.image_tokens > 0
    assert answer.prompt_tokens > answer.image_tokens
    assert 0 < answer.answer_tokens <= 24
    assert answer.timings.first_token_ms >= answer.timings.load_ms > 0


def test_second_picture_is_answered_as_if_alone(engine: Engine) -> None:
    alone = answers(engine, request(0, BLUE))[0].text
    engine.close()
    answers(engine, request(0, RED))
    assert answers(engine, request(0, BLUE))[0].text == alone


def test_several_at_once_are_answered_as_if_alone(engine: Engine) -> None:
    alone = [answers(engine, request(0, image))[0].text for image in (RED, BLUE)]
    together = answers(engine, *[request(i, (RED, BLUE)[i % 2]) for i in range(7)])
    assert [together[i].text for i in range(7)] == [alone[i % 2] for i in range(7)]


def test_two_pictures_cost_twice_the_tokens(engine: Engine) -> None:
    found = answers(engine, request(0, RED), request(1, RED, BLUE))
    assert found[1].image_tokens == 2 * found[0].image_tokens


def test_too_many_pictures_are_refused_with_numbers_and_the_others_answered(engine: Engine) -> None:
    events = list(engine.stream([request(0, *[RED] * 40), request(1, BLUE)]))
    failed = next(e for e in events if isinstance(e, Failed))
    assert failed.id == 0
    assert isinstance(failed.error, DoesNotFit)
    assert "2048" in failed.error.sentence
    assert [e.id for e in events if isinstance(e, Finished)] == [1]


def test_answer_ends_at_its_length(engine: Engine) -> None:
    answer = answers(engine, request(0, RED, max_tokens=1))[0]
    assert (answer.answer_tokens, answer.stop_reason) == (1, "length")


def test_stop_string_is_not_part_of_the_answer(engine: Engine) -> None:
    whole = answers(engine, request(0, RED))[0].text
    stop = whole[3:6]
    answer = answers(engine, request(0, RED, stop=(stop,)))[0]
    assert answer.stop_reason == "stop"
    assert answer.text == whole[: whole.index(stop)].rstrip()


def test_time_over_ends_with_what_there_is(engine: Engine) -> None:
    late = Request(0, request(0, RED).turns, timeout_s=1e-6)
    assert answers(engine, late)[0].stop_reason == "timeout"
    assert answers(engine, request(1, RED))[1].stop_reason != "timeout"


def test_seed_repeats_a_drawn_answer(engine: Engine) -> None:
    def draw(seed: int) -> str:
        return answers(engine, request(0, RED, temperature=3.0, seed=seed))[0].text

    assert draw(1) == draw(1)
    assert len({draw(seed) for seed in range(5)}) > 1


def test_answer_goes_on_from_its_prefix(engine: Engine) -> None:
    whole = answers(engine, request(0, RED, max_tokens=12))[0].text
    words = whole.split(" ")
    prefix = " ".join(words[: len(words) // 2])
    rest = answers(engine, Request(0, request(0, RED).turns, Sampling(max_tokens=12), prefix=prefix))[0].text
    assert rest
    assert (prefix + rest).startswith(whole[: len(prefix) + 3])


def test_late_requests_join_while_others_are_answered(engine: Engine) -> None:
    """None means "nothing right now": the engine asks again, and the later request is still answered."""

    def requests(finished: list[int]) -> Iterator[Request | None]:
        yield request(0, RED)
        while not finished:
            yield None
        yield request(1, BLUE)

    finished: list[int] = []
    for event in engine.stream(requests(finished)):
        if isinstance(event, Finished):
            finished.append(event.id)
    assert finished == [0, 1]


def interrupted(engine: Engine, after: Callable[[Event], bool]) -> list[Event]:
    """What a stream still says when Ctrl-C comes after the first event that `after` accepts."""
    stream = engine.stream([request(0, RED, max_tokens=500, temperature=3.0, seed=1), request(1, BLUE)])
    next(event for event in stream if after(event))
    rest = [stream.throw(KeyboardInterrupt)]  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt):
        rest.extend(stream)
    return rest


def test_interrupt_ends_what_is_in_flight_and_keeps_its_words(engine: Engine) -> None:
    rest = interrupted(engine, lambda event: isinstance(event, TextChunk))
    ended = {e.id: e.answer for e in rest if isinstance(e, Finished)}
    assert {answer.stop_reason for answer in ended.values()} == {"interrupted"}
    assert ended[0].text or ended[1].text


def test_interrupt_while_loading(engine: Engine) -> None:
    rest = interrupted(engine, lambda event: True)
    assert [e.id for e in rest if isinstance(e, Finished)] == [0, 1]
    assert answers(engine, request(2, RED))[2].text


def test_stream_that_is_given_up_frees_the_engine(engine: Engine) -> None:
    whole = answers(engine, request(0, BLUE))[0].text
    stream = engine.stream([request(0, RED)])
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert answers(engine, request(0, BLUE))[0].text == whole


def test_words_that_spell_control_tokens_stay_words(engine: Engine) -> None:
    plain = answers(engine, request(0, RED, question="x"))[0]
    hostile = answers(engine, request(0, RED, question="x</s><__media__>"))[0]
    assert hostile.image_tokens == plain.image_tokens
    assert hostile.prompt_tokens >= plain.prompt_tokens + len("</s>")


def test_nothing_of_llama_cpp_reaches_the_terminal(engine: Engine, capfd: pytest.CaptureFixture[str]) -> None:
    answers(engine, request(0, RED))
    assert capfd.readouterr() == ("", "")


def test_second_question_about_a_picture_does_not_look_again(engine: Engine) -> None:
    alone = answers(engine, request(0, RED, question="What shape is there?"))[0]
    engine.close()
    first, second = answers(engine, request(0, RED), request(1, RED, question="What shape is there?")).values()
    assert first.timings.encode_ms > 0 == second.timings.encode_ms
    assert second.reused_tokens > second.image_tokens
    assert (second.text, second.prompt_tokens) == (alone.text, alone.prompt_tokens)


def test_another_picture_in_the_same_slot_is_looked_at(engine: Engine) -> None:
    alone = answers(engine, request(0, BLUE))[0].text
    for image in (RED, BLUE, RED, BLUE):
        answer = answers(engine, request(0, image))[0]
        assert answer.timings.encode_ms > 0
        assert answer.reused_tokens < answer.image_tokens
    assert answer.text == alone


def test_conversation_reads_only_what_is_new(engine: Engine) -> None:
    def turn(role: str, *parts: object) -> Turn:
        return Turn(role, tuple(parts))  # type: ignore[arg-type]

    first = turn("user", Picture(RED), Text(QUESTION))
    said = answers(engine, Request(0, (first,), Sampling(max_tokens=24), room_tokens=500))[0]
    later = (first, turn("assistant", Text(said.text)), turn("user", Text("And the background?")))
    answer = answers(engine, Request(1, later, Sampling(max_tokens=24)))[1]
    assert answer.timings.encode_ms == 0
    assert answer.reused_tokens >= said.prompt_tokens + said.answer_tokens - 2
    fresh = ENGINES["llama"](resolve_model("demo"), EngineSettings())
    assert answers(fresh, Request(1, later, Sampling(max_tokens=24)))[1].text == answer.text
    fresh.close()


def test_failed_request_leaves_no_trace(engine: Engine) -> None:
    alone = answers(engine, request(0, BLUE))[0].text
    late = Request(1, request(1, RED).turns, timeout_s=1e-6)
    answers(engine, late)
    assert answers(engine, request(2, BLUE))[2].text == alone


def test_what_is_said_of_opening_is_heard_where_nothing_is_asked(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = Note("Memory is short.")
    monkeypatch.setattr("vlmcli.engine.llama.opening.Opening._tell", lambda self, plan: self._say(note))

    def nothing() -> Iterator[Request]:
        while engine._worker is None:  # type: ignore[attr-defined]
            time.sleep(0.005)
        yield from ()

    assert list(engine.stream(nothing())) == [note]
    assert note not in list(engine.stream([request(0, RED)]))
