"""Many pictures side by side: the same answers as one at a time, the words before the picture read once."""

from __future__ import annotations

import ctypes
import heapq
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from PIL import Image, ImageDraw

from tests.engine.test_llama_engine import BLUE, RED, answers, request
from vlmcli.core import Finished, LoadedImage, Request, Text, TextChunk, Turn
from vlmcli.engine import ENGINES, Engine, EngineSettings
from vlmcli.engine.llama import answering
from vlmcli.engine.llama import engine as llama_engine
from vlmcli.engine.llama.answering import Answering
from vlmcli.engine.llama.bindings import llama
from vlmcli.engine.llama.context import Context
from vlmcli.images.decode import of_pixels
from vlmcli.models import resolve_model

COLOURS = ["red", "green", "blue", "yellow", "orange", "purple", "pink", "brown", "black", "white", "gray", "cyan"]
QUESTIONS = ["Describe this picture in one or two sentences.", "How many shapes are there?", "What is the background?"]
SMALL_GAP = 0.05
"""Two tokens whose logits are so close are told apart by the last bits, which differ with what is computed together."""


def scene(seed: int) -> LoadedImage:
    """One to four shapes, of any colour, anywhere."""
    chance = random.Random(seed)
    image = Image.new("RGB", (chance.randrange(120, 300), chance.randrange(120, 300)), chance.choice(COLOURS))
    draw = ImageDraw.Draw(image)
    for _ in range(chance.randint(1, 4)):
        x, y, side = chance.randrange(image.width), chance.randrange(image.height), chance.randrange(15, 80)
        shape = chance.choice([draw.ellipse, draw.rectangle])
        shape((x, y, x + side, y + side), fill=chance.choice(COLOURS))
    return of_pixels(f"scene {seed}", image)


def questions(count: int) -> list[Request]:
    return [request(id, scene(id), question=QUESTIONS[id % len(QUESTIONS)], max_tokens=48) for id in range(count)]


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = ENGINES["llama"](resolve_model("demo"), EngineSettings())
    yield made
    made.close()


class Chosen(NamedTuple):
    """A token, and the logits (f32) that it was chosen by."""

    token: int
    logits: bytes

    @property
    def gap(self) -> float:
        """How far the best is above the second best."""
        best, second = heapq.nlargest(2, memoryview(self.logits).cast("f"))
        return float(best - second)


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> dict[int, list[Chosen]]:
    """What was chosen for each request, the token that ended it included."""
    log: dict[int, list[Chosen]] = {}
    choose = Answering.choose

    def watched(self: Answering, context: Any, decoder: Any, index: int) -> None:
        logits = llama.llama_get_logits_ith(context.pointer, index)
        seen = ctypes.string_at(logits, decoder.vocabulary.size * ctypes.sizeof(ctypes.c_float))
        choose(self, context, decoder, index)
        token = -1 if self.stop_reason == "end" else self._written[-1]
        log.setdefault(self.request.id, []).append(Chosen(token, seen))

    monkeypatch.setattr(Answering, "choose", watched)
    return log


def compare(engine: Engine, chosen: dict[int, list[Chosen]], count: int) -> tuple[int, list[float]]:
    """How many greedy answers are equal one at a time and side by side; the gap where each other first differs."""
    asked = questions(count)
    alone = [answers(engine, one)[one.id].text for one in asked]
    chosen_alone = {id: list(tokens) for id, tokens in chosen.items()}
    chosen.clear()
    together = answers(engine, *[replace(one, one_of_many=True) for one in asked])
    gaps = []
    for id, text in enumerate(alone):
        if together[id].text != text:
            pairs = zip(chosen_alone[id], chosen[id], strict=False)
            gaps.append(next(a.gap for a, b in pairs if a.token != b.token))
    return count - len(gaps), gaps


def test_side_by_side_is_answered_as_one_at_a_time(engine: Engine, chosen: dict[int, list[Chosen]]) -> None:
    equal, gaps = compare(engine, chosen, 30)
    assert equal >= 29, gaps
    assert all(gap < SMALL_GAP for gap in gaps), gaps


@pytest.mark.slow
def test_side_by_side_is_answered_as_one_at_a_time_over_many(engine: Engine, chosen: dict[int, list[Chosen]]) -> None:
    equal, gaps = compare(engine, chosen, 1500)
    print(f"{equal} of 1500 are equal; gaps of the others: {[round(gap, 4) for gap in gaps]}")
    assert equal >= 0.99 * 1500, gaps
    assert all(gap < SMALL_GAP for gap in gaps), gaps


def test_words_before_the_picture_are_read_once(engine: Engine) -> None:
    asked = [replace(request(id, scene(id)), one_of_many=True) for id in range(20)]
    found = answers(engine, *asked)
    reused = [found[id].reused_tokens for id in range(20)]
    assert reused[0] == 0
    assert set(reused[1:]) == {found[0].prompt_tokens - found[0].image_tokens - tokens_after_the_picture(engine)}


def tokens_after_the_picture(engine: Engine) -> int:
    """Of the question and what follows it: what a second question about the same picture reads."""
    first, second = (answers(engine, request(id, RED))[id] for id in range(2))
    return first.prompt_tokens - second.reused_tokens


def test_prompts_with_other_beginnings_do_not_share_them(engine: Engine) -> None:
    def asked(id: int) -> Request:
        plain = request(id, scene(id // 2), max_tokens=12)
        words = "Answer in capitals." if id % 2 else "Be brief."
        system = Turn("system", (Text(words),))
        return replace(plain, turns=(system, *plain.turns), one_of_many=True)

    together = answers(engine, *[asked(id) for id in range(8)])
    engine.close()
    for id in range(8):
        assert together[id].text == answers(engine, asked(id))[id].text


def test_questions_about_a_picture_share_it_side_by_side(engine: Engine) -> None:
    """It is encoded and read in once, however many ask about it, and two pictures do not get into each other's way."""
    asked = [
        replace(request(id, (RED, BLUE)[id % 2], question=f"{QUESTIONS[id % 3]} ({id})"), one_of_many=True)
        for id in range(8)
    ]
    found = answers(engine, *asked)
    assert sum(answer.timings.encode_ms > 0 for answer in found.values()) == 2
    assert all(found[id].reused_tokens > found[id].image_tokens for id in range(2, 8))
    engine.close()
    assert [answers(engine, one)[one.id].text for one in asked] == [found[id].text for id in range(8)]


def test_what_cannot_be_copied_is_read_again(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [replace(request(id, scene(id)), one_of_many=True) for id in range(6)]
    copied = answers(engine, *asked)
    engine.close()
    monkeypatch.setattr(Context, "copy", lambda self, source, slot: self.forget_from(slot, 0) and False)
    found = answers(engine, *asked)
    assert {id: answer.text for id, answer in found.items()} == {id: answer.text for id, answer in copied.items()}
    assert not any(answer.reused_tokens for answer in found.values())


def test_a_question_after_a_folder_and_a_folder_after_a_question(engine: Engine) -> None:
    """Their contexts differ in size; neither's answers depend on what was there before."""
    alone = answers(engine, request(0, BLUE))[0].text
    many = [replace(request(id, (RED, BLUE)[id % 2]), one_of_many=True) for id in range(4)]
    found = answers(engine, *many)
    assert answers(engine, request(0, BLUE))[0].text == found[1].text == found[3].text == alone


def test_an_empty_context_grows_for_those_who_wait(engine: Engine) -> None:
    answers(engine, request(0, RED))
    answers(engine, *[request(id, scene(id)) for id in range(5)])
    assert engine._worker._room.context.plan.n_slots == 5  # type: ignore[attr-defined]


def test_parallel_limits_what_is_in_work() -> None:
    engine = ENGINES["llama"](resolve_model("demo"), EngineSettings(parallel=3))
    answers(engine, *[replace(request(id, scene(id)), one_of_many=True) for id in range(9)])
    assert engine._worker._room.context.plan.n_slots == 3  # type: ignore[attr-defined]
    engine.close()


def test_words_come_together(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each chunk wakes the reader: within the pause there is none, and at the end nothing is missing."""
    monkeypatch.setattr(answering, "_PAUSE_S", 1000.0)
    events = list(engine.stream([request(0, RED)]))
    chunks = [event.text for event in events if isinstance(event, TextChunk)]
    assert len(chunks) == 2
    assert "".join(chunks) == next(event.answer.text for event in events if isinstance(event, Finished))


def test_pixels_in_flight_are_bounded(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> None:
    """However many may be in work at once: no more are taken from the source while so many pixels are held."""
    size = len(RED.rgb)
    monkeypatch.setattr(llama_engine, "MOST_PIXEL_BYTES", 2 * size)
    taken, ended, most = 0, 0, 0

    def source() -> Iterator[Request]:
        nonlocal taken, most
        for id in range(7):
            taken += 1
            most = max(most, taken - ended)
            yield replace(request(id, (RED, BLUE)[id % 2], max_tokens=4), one_of_many=True)

    for event in engine.stream(source()):
        ended += isinstance(event, Finished)
    assert (ended, most) == (7, 2)
