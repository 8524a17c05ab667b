"""Who has which picture, and who is to blame: random lives of crews, and single moments of them. No Ray is needed."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from vlmcli.batch.cluster.crew import Crew
from vlmcli.batch.cluster.shape import ClusterSettings, Shape, shape_of
from vlmcli.batch.messages import Ask
from vlmcli.errors import EngineError


def ask(number: int) -> Ask:
    return Ask(number, f"{number}.png", 0)


def crew_of(*workers: int, asks: int = 0) -> Crew:
    crew = Crew()
    for worker in workers:
        crew.join(worker)
    for number in range(asks):
        crew.put(ask(number))
    return crew


def hand_out(crew: Crew) -> list[tuple[int, int]]:
    found = []
    while handed := crew.next():
        found.append((handed[0], handed[1].number))
    return found


class Life:
    """Workers that begin, answer and die by chance, and always of a killer; what the crew makes of that."""

    def __init__(self, seed: int, killers: set[int], bad_luck: float) -> None:
        self.chance = random.Random(seed)
        self.killers, self.bad_luck = killers, bad_luck
        self.crew, self.newest = crew_of(0, 1, 2), 2
        self.held: dict[int, dict[int, bool]] = {0: {}, 1: {}, 2: {}}  # worker -> picture -> whether it is begun
        self.ended: Counter[int] = Counter()
        self.blamed: set[int] = set()

    def run(self, many: int) -> None:
        for number in range(many):
            self.crew.put(ask(number))
        for _ in range(200 * many):
            while handed := self.crew.next():
                self.held[handed[0]][handed[1].number] = False
            if self.crew.is_idle:
                return
            self.step(self.chance.choice(list(self.held)))
        pytest.fail("it does not end")

    def step(self, worker: int) -> None:
        has = self.held[worker]
        begun = [number for number in has if has[number]]
        if self.killers & set(begun) or self.chance.random() < self.bad_luck:
            self.die(worker)
        elif begun and (self.chance.random() < 0.5 or len(begun) == len(has)):
            number = self.chance.choice(begun)
            del has[number]
            assert self.crew.done(worker, number).number == number
            self.ended[number] += 1
        elif has:
            number = next(number for number in has if not has[number])
            has[number] = True
            self.crew.begun(worker, number)

    def die(self, worker: int) -> None:
        del self.held[worker]
        if blamed := self.crew.leave(worker):
            self.blamed.add(blamed.number)
            self.ended[blamed.number] += 1
        self.newest += 1
        self.held[self.newest] = {}
        self.crew.join(self.newest)


@pytest.mark.parametrize("seed", range(40))
def test_each_picture_ends_once_and_only_killers_are_blamed(seed: int) -> None:
    life = Life(seed, killers={3, 4, 40}, bad_luck=0.0)
    life.run(60)
    assert life.ended == Counter(range(60))
    assert life.blamed == {3, 4, 40}


@pytest.mark.parametrize("seed", range(40))
def test_each_picture_ends_once_whatever_else_dies(seed: int) -> None:
    life = Life(seed, killers={7}, bad_luck=0.02)
    life.run(60)
    assert life.ended == Counter(range(60))
    assert 7 in life.blamed


def test_work_goes_to_who_has_least() -> None:
    crew = crew_of(1, 2, asks=20)
    assert Counter(worker for worker, _ in hand_out(crew)) == {1: 4, 2: 4}
    crew.begun(2, 1)
    assert [worker for worker, _ in hand_out(crew)] == [2]


def test_one_bad_day_blames_nobody() -> None:
    crew = crew_of(1, asks=1)
    hand_out(crew)
    crew.begun(1, 0)
    assert crew.leave(1) is None
    assert not crew.is_idle
    crew.join(2)
    assert hand_out(crew) == [(2, 0)]
    crew.begun(2, 0)
    blamed = crew.leave(2)
    assert blamed is not None
    assert blamed.number == 0
    assert crew.is_idle


def test_suspects_go_alone_while_others_work_on() -> None:
    crew = crew_of(1, 2, asks=30)
    had = {number for worker, number in hand_out(crew) if worker == 1}
    suspects = set(sorted(had)[:2])
    for number in suspects:
        crew.begun(1, number)
    assert crew.leave(1) is None
    crew.join(3)
    assert next(iter(hand_out(crew))) == (3, min(suspects))  # alone, and worker 2 is not disturbed
    assert hand_out(crew) == []


def test_a_worker_that_never_joined_may_leave() -> None:
    assert crew_of(1).leave(9) is None


# --- how many workers ---------------------------------------------------------------------------------------

TWO_CORES, BIG, GPUS = {"CPU": 2.0}, {"CPU": 16.0}, {"CPU": 32.0, "GPU": 4.0}


@pytest.mark.parametrize(
    ("machines", "said", "shape"),
    [
        ([TWO_CORES], {}, Shape(1, 2, 0)),
        ([BIG, BIG, BIG], {}, Shape(3, 16, 0)),
        ([TWO_CORES], {"workers": 4}, Shape(4, 0.5, 0)),
        ([BIG], {"workers": 3}, Shape(3, 5, 0)),
        ([BIG, BIG], {"workers": 4}, Shape(4, 8, 0)),
        ([BIG], {"cpus": 4.0}, Shape(4, 4, 0)),
        ([GPUS, BIG], {}, Shape(4, 8, 1)),
        ([GPUS], {"gpus": 0.5}, Shape(8, 4, 0.5)),
        ([GPUS], {"gpus": 2.0, "cpus": 1.0}, Shape(2, 1, 2)),
        ([GPUS], {"gpus": 0.0}, Shape(1, 32, 0)),
        ([BIG], {"cpus": 4.0, "workers": 100}, Shape(100, 4, 0)),
    ],
)
def test_the_shape_of_a_crew(machines: list[dict[str, float]], said: dict[str, float], shape: Shape) -> None:
    assert shape_of(machines, ClusterSettings(**said)) == shape  # type: ignore[arg-type]
    assert shape.threads >= 1


@pytest.mark.parametrize(
    ("machines", "said", "words"),
    [
        ([BIG], {"gpus": 1.0}, "No machine of the cluster has 1 GPUs for a worker"),
        ([BIG], {"cpus": 17.0}, "No machine of the cluster has 17 processors for a worker"),
        ([], {}, "the largest of 0 has 0 processors"),
    ],
)
def test_what_does_not_fit_is_said(machines: list[dict[str, float]], said: dict[str, float], words: str) -> None:
    with pytest.raises(EngineError, match=words):
        shape_of(machines, ClusterSettings(**said))  # type: ignore[arg-type]
