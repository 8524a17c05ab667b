"""The pipeline against an engine that says what the test wants: order, failures, tasks of several requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vlmcli.core import (
    Answer,
    Event,
    Failed,
    Family,
    Finished,
    ImageRef,
    JobDone,
    JobText,
    LoadedImage,
    Record,
    Request,
    Sampling,
    TextChunk,
    Timings,
)
from vlmcli.errors import EngineError, NotAPicture
from vlmcli.pipeline import Job, run
from vlmcli.tasks import TASKS, Brief, TaskOptions

TIMINGS = Timings(load_ms=5, encode_ms=10, prefill_ms=20, first_token_ms=40, decode_ms=100, tokens_per_second=20)


class Script:
    """An engine that answers from a script: (picture name, prefix) -> (words, why it stopped)."""

    def __init__(self, answers: dict[tuple[str, str], tuple[str, str]], at_once: int = 2) -> None:
        self.answers, self.at_once, self.asked = answers, at_once, list[Request]()

    def stream(self, requests: Iterable[Request | None]) -> Iterator[Event]:
        source, in_work = iter(requests), list[Request]()
        while True:
            while len(in_work) < self.at_once and (request := next(source, None)):
                in_work.append(request)
                self.asked.append(request)
            if not in_work:
                return
            request = in_work.pop()  # the youngest first: order must not matter
            words, reason = self.answers[request.images[0].name, request.prefix]
            if reason == "failed":
                yield Failed(request.id, EngineError(words))
                continue
            yield TextChunk(request.id, words)
            yield Finished(request.id, Answer(words, reason, 100, 80, len(words), TIMINGS))  # type: ignore[arg-type]

    def interrupt(self) -> bool:
        return False

    def close(self) -> bool:
        return True


def load(ref: ImageRef) -> LoadedImage:
    if ref.name.startswith("bad"):
        raise NotAPicture(f"{ref.name} is not a picture.")
    return LoadedImage(ref.name, 2, 1, bytes(6), f"digest of {ref.name}")


def jobs(task: str, *names: str) -> list[Job]:
    brief = Brief(TaskOptions(question="Q"), Family("f"), lambda images, labels: images[0])
    return [Job(TASKS[task], (ImageRef(name),), brief) for name in names]


def records(engine: Script, work: list[Job]) -> dict[int, Record]:
    return {e.job: e.record for e in run(work, engine, load, "m") if isinstance(e, JobDone)}


def test_each_job_has_one_record_with_its_picture() -> None:
    engine = Script({(name, ""): (f"{name}!", "end") for name in "abc"})
    found = records(engine, jobs("ask", "a", "b", "c"))
    assert [found[i].text for i in range(3)] == ["a!", "b!", "c!"]
    assert (found[1].pictures[0].name, found[1].pictures[0].digest) == ("b", "digest of b")
    assert (found[0].task, found[0].question, found[0].model) == ("ask", "Q", "m")


def test_unreadable_pictures_fail_alone() -> None:
    engine = Script({(name, ""): ("yes", "end") for name in "ac"})
    found = records(engine, jobs("ask", "a", "bad1", "bad2", "c"))
    assert [found[i].error is None for i in range(4)] == [True, False, False, True]
    assert isinstance(found[1].error, NotAPicture)
    assert records(Script({}), jobs("ask", "bad"))[0].error is not None


def test_engine_failure_is_that_jobs_record() -> None:
    engine = Script({("a", ""): ("no room", "failed"), ("b", ""): ("yes", "end")})
    found = records(engine, jobs("ask", "a", "b"))
    assert str(found[0].error) == "no room"
    assert found[1].text == "yes"


def test_task_of_two_requests_is_one_record() -> None:
    engine = Script({("a", ""): ("one ", "repetition"), ("a", "one "): ("two", "end"), ("b", ""): ("x", "end")})
    events = list(run(jobs("ocr", "a", "b"), engine, load, "m"))
    found = {e.job: e.record for e in events if isinstance(e, JobDone)}
    assert (found[0].text, found[0].stop_reason, found[0].cut_short) == ("one two", "end", False)
    assert "".join(e.text for e in events if isinstance(e, JobText) and e.job == 0) == "one two"
    assert found[0].answer_tokens == len("one ") + len("two")
    timings = found[0].timings
    assert (timings.load_ms, timings.encode_ms, timings.prefill_ms) == (5, 20, 40)
    assert (timings.first_token_ms, timings.decode_ms, timings.tokens_per_second) == (40, 200, 20)
    assert found[1].text == "x"


def test_sampling_of_the_options_reaches_the_engine() -> None:
    engine = Script({("a", ""): ("x", "end")})
    brief = Brief(
        TaskOptions(question="Q", max_tokens=7, seed=3), Family("f", stop=("#",)), lambda images, labels: images[0]
    )
    records(engine, [Job(TASKS["ask"], (ImageRef("a"),), brief)])
    assert engine.asked[0].sampling == Sampling(max_tokens=7, seed=3, stop=("#",), stop_at_repetition=True)


def test_the_engine_knows_whether_there_are_several() -> None:
    def flags(many: bool | None, *names: str) -> set[bool]:
        engine = Script({(name, ""): ("x", "end") for name in "abc"})
        list(run(jobs("ask", *names), engine, load, "m", many))
        return {request.one_of_many for request in engine.asked}

    assert flags(None, "a") == {False}
    assert flags(None, "a", "b", "c") == {True}
    assert flags(True, "a") == {True}  # the last of a folder that was answered up to it
    assert flags(False, "a", "b") == {False}
