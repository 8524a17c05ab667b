"""Whole answers: what is recalled, what never is, and how known and new ones go side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from vlmcli.cache import Store, digest_of
from vlmcli.cache.answers import RecallingEngine
from vlmcli.core import (
    Answer,
    Event,
    Failed,
    Finished,
    LoadedImage,
    Picture,
    Request,
    Role,
    Sampling,
    StopReason,
    Text,
    TextChunk,
    Timings,
    Turn,
)
from vlmcli.errors import EngineError


def image(digest: str) -> LoadedImage:
    return LoadedImage(f"{digest}.png", 1, 1, bytes(3), digest)


ASKED = Request(0, (Turn("user", (Picture(image("one")), Picture(image("two")), Text("What is it?"))),))


class Parrot:
    """Takes requests as LlamaEngine does, several at a time, and answers the oldest with the words of its question."""

    def __init__(self, parallel: int = 2) -> None:
        self.parallel, self.computed, self.streams, self.closed = parallel, 0, 0, False
        self.stop_reason: StopReason = "end"
        self.interrupt_after: int | None = None

    def stream(self, requests: Iterable[Request | None]) -> Iterator[Event]:
        self.streams += 1
        source, work, more = iter(requests), list[Request](), True
        while True:
            room = self.parallel - len(work)
            taken: list[Request] = []
            for request in islice(source, room if more else 0):
                if request is None:
                    break
                taken.append(request)
            else:
                more = more and len(taken) == room
            work += taken
            if not work and not more:
                return
            assert work, "told to wait while nothing is in work: that is for ever"
            yield from self._answer(work.pop(0))

    def _answer(self, request: Request) -> Iterator[Event]:
        if self.computed == self.interrupt_after:
            raise KeyboardInterrupt
        self.computed += 1
        words = request.turns[-1].parts[-1]
        assert isinstance(words, Text)
        if words.text == "fail":
            yield Failed(request.id, EngineError("No."))
            return
        yield TextChunk(request.id, words.text)
        yield Finished(request.id, Answer(words.text, self.stop_reason, 3, 2, 1, Timings(1, 2, 3, 4, 5, 6)))

    def interrupt(self) -> bool:
        return False

    def close(self) -> bool:
        self.closed = True
        return True


@pytest.fixture
def parrot() -> Parrot:
    return Parrot()


@pytest.fixture
def engine(store: Store, parrot: Parrot) -> RecallingEngine:
    big = Store(store.root, {"answers": 10**8})
    return RecallingEngine(lambda: parrot, big, "parrot", lambda: digest_of("parrot 1"))


def answers(engine: RecallingEngine, *requests: Request) -> list[Answer]:
    """In the order of the requests."""
    numbered = (replace(request, id=number) for number, request in enumerate(requests))
    found = {event.id: event.answer for event in engine.stream(numbered) if isinstance(event, Finished)}
    return [found[number] for number in sorted(found)]


def asking(question: str, number: int = 0) -> Request:
    return replace(ASKED, id=number, turns=(Turn("user", (Picture(image("one")), Text(question))),))


# --- what is recalled ---------------------------------------------------------------------------------------


def test_the_same_is_recalled(engine: RecallingEngine, parrot: Parrot) -> None:
    (first,) = answers(engine, ASKED)
    events = list(engine.stream([replace(ASKED, id=7, timeout_s=5.0)]))
    recalled = Answer("What is it?", "end", 3, 2, 1, Timings(), cached=True)
    assert events == [TextChunk(7, "What is it?"), Finished(7, recalled)]
    assert (first.text, first.cached) == ("What is it?", False)
    assert parrot.computed == 1


def test_the_engine_is_not_opened_for_what_is_known(engine: RecallingEngine, store: Store, parrot: Parrot) -> None:
    answers(engine, ASKED)

    def no_engine() -> Any:
        raise AssertionError("opened")

    kept = Store(store.root, {"answers": 10**8})
    again = RecallingEngine(no_engine, kept, "parrot", lambda: digest_of("parrot 1"))
    assert answers(again, ASKED, ASKED)[1].cached
    assert again.close()
    other = RecallingEngine(lambda: parrot, kept, "parrot", lambda: digest_of("parrot 2"))
    assert not answers(other, ASKED)[0].cached, "another model"


def _turns(*parts: Any, role: Role = "user") -> tuple[Turn, ...]:
    return (Turn(role, parts),)


_PARTS = ASKED.turns[0].parts
OTHERS = {
    "question": replace(ASKED, turns=_turns(*_PARTS[:2], Text("What is it"))),
    "picture": replace(ASKED, turns=_turns(Picture(image("one")), Picture(image("2")), _PARTS[2])),
    "order": replace(ASKED, turns=_turns(_PARTS[1], _PARTS[0], _PARTS[2])),
    "fewer pictures": replace(ASKED, turns=_turns(*_PARTS[1:])),
    "parts": replace(ASKED, turns=_turns(*_PARTS[:2], Text("What "), Text("is it?"))),
    "turns": replace(ASKED, turns=(*_turns(*_PARTS[:2]), *_turns(_PARTS[2]))),
    "role": replace(ASKED, turns=_turns(*_PARTS, role="system")),
    "system": replace(ASKED, turns=(*_turns(Text("Be brief."), role="system"), *ASKED.turns)),
    "prefix": replace(ASKED, prefix="It is"),
    "max_tokens": replace(ASKED, sampling=Sampling(max_tokens=511)),
    "seed": replace(ASKED, sampling=Sampling(temperature=0.5, seed=1)),
    "other seed": replace(ASKED, sampling=Sampling(temperature=0.5, seed=2)),
    "temperature": replace(ASKED, sampling=Sampling(temperature=0.6, seed=2)),
    "top_p": replace(ASKED, sampling=Sampling(temperature=0.6, seed=2, top_p=0.5)),
    "dry": replace(ASKED, sampling=Sampling(dry_multiplier=0.5)),
    "stop": replace(ASKED, sampling=Sampling(stop=("\n",))),
    "history": replace(ASKED, turns=(*ASKED.turns, *_turns(Text("A cat."), role="assistant"), *_turns(Text("Why?")))),
    "loops": replace(ASKED, sampling=Sampling(stop_at_repetition=True)),
}


def test_whatever_differs_is_computed(engine: RecallingEngine, parrot: Parrot) -> None:
    answers(engine, ASKED)
    for name, request in OTHERS.items():
        assert not answers(engine, request)[0].cached, name
    for name, request in OTHERS.items():
        assert answers(engine, request)[0].cached, name
    assert parrot.computed == 1 + len(OTHERS)


NEVER = {
    "chance": replace(ASKED, sampling=Sampling(temperature=0.5)),
    "conversation": replace(ASKED, in_conversation=True),
}


@pytest.mark.parametrize("name", list(NEVER))
def test_never_recalled(engine: RecallingEngine, store: Store, name: str) -> None:
    assert [answer.cached for answer in answers(engine, NEVER[name], NEVER[name])] == [False, False]
    assert not list(store.root.rglob("*"))


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        *[("end", True), ("stop", True), ("length", True), ("repetition", True)],
        *[("context", False), ("timeout", False), ("interrupted", False)],
    ],
)
def test_only_endings_that_come_again_are_kept(
    engine: RecallingEngine, parrot: Parrot, reason: StopReason, kept: bool
) -> None:
    parrot.stop_reason = reason
    answers(engine, ASKED)
    (answer,) = answers(engine, ASKED)
    assert answer.cached is kept
    assert answer.stop_reason == reason


def test_failures_are_not_kept(engine: RecallingEngine, parrot: Parrot) -> None:
    for _ in range(2):
        (event,) = engine.stream([asking("fail")])
        assert isinstance(event, Failed)
    assert parrot.computed == 2


def test_a_model_that_cannot_be_read_is_the_engine_s_business(store: Store, parrot: Parrot) -> None:
    def no_file() -> str:
        raise FileNotFoundError

    engine = RecallingEngine(lambda: parrot, store, "parrot", no_file)
    assert [answer.cached for answer in answers(engine, ASKED, ASKED)] == [False, False]


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"7", b'{"text": "x", "colour": 1}', b'{"stop_reason": "end"}', b"\xff"]
)
def test_what_does_not_make_sense_is_computed(engine: RecallingEngine, parrot: Parrot, data: bytes) -> None:
    answers(engine, ASKED)
    (path,) = engine._store.root.glob("answers/*/*")
    assert engine._store.put("answers", path.name, data)
    assert answers(engine, ASKED) == [Answer("What is it?", "end", 3, 2, 1, Timings(1, 2, 3, 4, 5, 6))]


# --- side by side -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "known", ["000000", "111111", "101010", "010101", "1110", "0001", "00111111111100", "1", "0", ""]
)
def test_known_and_new_ones_mixed(engine: RecallingEngine, parrot: Parrot, known: str) -> None:
    answers(engine, *(asking(f"q{i}") for i, is_known in enumerate(known) if is_known == "1"))
    parrot.computed = parrot.streams = 0
    requests = [asking(f"q{i}", number=i) for i in range(len(known))]
    events = list(engine.stream(requests))
    finished = {event.id: event.answer for event in events if isinstance(event, Finished)}
    assert {i: (a.text, a.cached) for i, a in finished.items()} == {
        i: (f"q{i}", is_known == "1") for i, is_known in enumerate(known)
    }
    spoken = [event for event in events if isinstance(event, TextChunk | Finished)]
    for number in finished:
        assert [type(event) for event in spoken if event.id == number] == [TextChunk, Finished]
    assert parrot.computed == known.count("0")


def test_follow_ups_come_between(engine: RecallingEngine, parrot: Parrot) -> None:
    """As the pipeline asks: each answer brings another request, and None stands for waiting."""
    answers(engine, *(asking(f"{chain}{step}") for chain in "ac" for step in range(3)))
    parrot.computed = 0
    ready, waiting, said = [("a", 0), ("b", 0), ("c", 0), ("d", 0)], set[str](), []

    def requests() -> Iterator[Request | None]:
        while ready or waiting:
            if ready:
                chain, step = ready.pop(0)
                waiting.add(chain)
                yield asking(f"{chain}{step}", number=ord(chain))
            else:
                yield None

    for event in engine.stream(requests()):
        if isinstance(event, Finished):
            chain, step = event.answer.text
            said.append(event.answer.text)
            waiting.remove(chain)
            if int(step) < 2:
                ready.append((chain, int(step) + 1))
    assert sorted(said) == [f"{chain}{step}" for chain in "abcd" for step in range(3)]
    assert parrot.computed == 6


@pytest.mark.parametrize("known", [range(1, 40), range(1, 40, 2), [i for i in range(40) if i % 10 > 1]])
def test_known_ones_do_not_pile_up(engine: RecallingEngine, known: Iterable[int]) -> None:
    answers(engine, *(asking(f"q{i}") for i in known))
    taken = 0

    def requests() -> Iterator[Request]:
        nonlocal taken
        for number in range(40):
            taken += 1
            yield asking(f"q{number}", number=number)

    handed_out = 0
    for event in engine.stream(requests()):
        handed_out += isinstance(event, Finished)
        assert taken - handed_out <= 8


def test_ctrl_c_hands_out_what_is_known(engine: RecallingEngine, parrot: Parrot) -> None:
    answers(engine, asking("known"))
    parrot.interrupt_after = 1
    events: list[Event] = []
    with pytest.raises(KeyboardInterrupt):
        events.extend(_into(events, engine.stream([asking("new", 1), asking("known", 2), asking("later", 3)])))
    assert [event.id for event in events if isinstance(event, Finished)] == [2]


def _into(events: list[Event], stream: Iterator[Event]) -> Iterator[Event]:
    for event in stream:
        events.append(event)
    return iter(())


def test_leaving_half_way_closes_the_inner_stream(store: Store) -> None:
    closed = []

    class Endless(Parrot):
        def stream(self, requests: Iterable[Request | None]) -> Iterator[Event]:
            try:
                for request in requests:
                    yield TextChunk(request.id if request else 0, "x")
            finally:
                closed.append(True)

    engine = RecallingEngine(Endless, store, "endless", lambda: "1")
    stream = engine.stream([ASKED])
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert closed
    assert engine.close()


# --- the real thing -----------------------------------------------------------------------------------------

Ask = Callable[..., Any]


@pytest.fixture
def ask(cache_dir: Path, draw: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """`ask("How many?", shape, may_compute=False, …)`: the record, of a Vlm of its own."""
    from vlmcli import Vlm
    from vlmcli.engine import ENGINES

    def no_engine(*_: object) -> Any:
        raise AssertionError("the model was opened")

    def ask(
        question: str = "How many shapes are there?",
        shape: str = "red circle center",
        may_compute: bool = True,
        cache: bool = True,
        **options: Any,
    ) -> Any:
        with monkeypatch.context() as patch:
            if not may_compute:
                patch.setitem(ENGINES, "llama", no_engine)  # type: ignore[arg-type]
            with Vlm("demo", cache=cache) as vlm:
                reply = vlm.ask(draw("a.png", "white", [shape]), question, max_tokens=12, **options)
                return reply.record

    return ask


def test_the_demo_model_is_asked_once(ask: Ask, cache_dir: Path) -> None:
    first = ask()
    again = ask(may_compute=False)
    assert (first.cached, again.cached) == (False, True)
    assert again.text == first.text != ""
    assert again == replace(first, cached=True, timings=Timings())
    assert list((cache_dir / "answers").glob("*/*"))


def test_without_the_cache_nothing_is_recalled_or_kept(ask: Ask, cache_dir: Path) -> None:
    assert not ask(cache=False).cached
    assert not cache_dir.exists()
    assert not ask().cached
    assert not ask(cache=False).cached


def test_what_differs_is_asked_again(ask: Ask) -> None:
    ask()
    drawn = {"temperature": 0.8, "seed": 1}
    different = [{"question": "What colour?"}, {"shape": "blue circle center"}, {"prompt": "Hello"}, drawn]
    different += [drawn | {"seed": 2}, {"system": "Be brief."}]
    for options in different:
        assert not ask(**options).cached, options
    for options in different:
        assert ask(**options, may_compute=False).cached, options


def test_chance_is_never_recalled(ask: Ask) -> None:
    assert [ask(temperature=0.8).cached for _ in range(2)] == [False, False]


def test_on_the_command_line(
    vlm: Callable[..., Any], picture: str, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    def cached(*options: str) -> bool:
        result = vlm("ask", picture, "How many?", "--model", "demo", "--format", "json", *options)
        assert result.code == 0, result.stderr
        return bool(json.loads(result.stdout)["cached"])

    assert not cached("--no-cache")
    assert not cache_dir.exists()
    assert not cached()
    assert cached()
    assert not cached("--no-cache")
    assert not cached("--max-tokens", "3")
    assert not cached("--think"), "two answers of the model, and no conversation with a person"
    assert cached("--think")
    monkeypatch.setenv("VLM_CACHE", "off")
    assert not cached()


def test_known_and_new_pictures_in_one_job(cache_dir: Path, draw: Callable[..., Path]) -> None:
    """The real engine and the real pipeline: nothing waits for ever, and every picture gets its own answer."""
    from vlmcli import Vlm
    from vlmcli.core import JobDone
    from vlmcli.images import resolve
    from vlmcli.tasks import TaskOptions

    shapes = [f"{colour} circle {place}" for colour in ("red", "blue") for place in ("center", "top left")]
    refs = [resolve(draw(f"{i}.png", "white", [shape])) for i, shape in enumerate(shapes)]

    def answers_about(numbers: Iterable[int]) -> list[Any]:
        with Vlm("demo", parallel=2) as vlm:
            jobs = (vlm.job("ask", [refs[i]], TaskOptions(question="What is it?", max_tokens=8)) for i in numbers)
            done = [event for event in vlm.run(jobs) if isinstance(event, JobDone)]
        return [event.record for event in sorted(done, key=lambda event: event.job)]

    assert [record.cached for record in answers_about([0, 2])] == [False, False]
    mixed = answers_about([1, 0, 2, 3, 2, 0])
    assert [record.cached for record in mixed] == [False, True, True, False, True, True]
    assert [record.name for record in mixed] == [refs[i].name for i in (1, 0, 2, 3, 2, 0)]
    assert [record.text for record in answers_about([0, 1, 2, 3])] == [mixed[i].text for i in (1, 0, 2, 3)]
