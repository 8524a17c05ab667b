"""Pictures that are loaded ahead: their order, their errors, and that there are never too many of them."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator

import pytest

from vlmcli.core import ImageRef, LoadedImage
from vlmcli.errors import NotAPicture, VlmError
from vlmcli.images import ahead
from vlmcli.images.ahead import load_ahead

Refs = tuple[ImageRef, ...]


def picture(ref: ImageRef, size_bytes: int = 3) -> LoadedImage:
    return LoadedImage(ref.name, size_bytes // 3, 1, bytes(size_bytes), ref.name)


def loaded(jobs: list[Refs], load: ahead.Load) -> list[list[str] | VlmError]:
    found = load_ahead(jobs, lambda job: job, load)
    return [p if isinstance(p, VlmError) else [image.name for image in p] for _job, p in found]


def test_order_is_kept_however_long_each_takes() -> None:
    chance = random.Random(0)
    waits = {str(i): chance.random() / 100 for i in range(40)}

    def load(ref: ImageRef) -> LoadedImage:
        time.sleep(waits[ref.name])
        return picture(ref)

    jobs = [(ImageRef(str(i)), ImageRef(str(i + 1))) for i in range(0, 40, 2)]
    assert loaded(jobs, load) == [[a.name, b.name] for a, b in jobs]


def test_an_error_stays_with_its_own_job() -> None:
    def load(ref: ImageRef) -> LoadedImage:
        if ref.name == "bad":
            raise NotAPicture("bad is not a picture.")
        return picture(ref)

    found = loaded([(ImageRef(name),) for name in ("a", "bad", "b", "bad")], load)
    assert [found[0], found[2]] == [["a"], ["b"]]
    assert isinstance(found[1], NotAPicture)
    assert isinstance(found[3], NotAPicture)


@pytest.mark.parametrize("count", [1, 5])
def test_a_defect_of_the_program_is_not_swallowed(count: int) -> None:
    def load(ref: ImageRef) -> LoadedImage:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        loaded([(ImageRef("a"),)] * count, load)


def test_a_lone_job_needs_no_thread() -> None:
    threads = []

    def load(ref: ImageRef) -> LoadedImage:
        threads.append(threading.current_thread())
        return picture(ref)

    loaded([(ImageRef("a"), ImageRef("b"))], load)
    assert set(threads) == {threading.main_thread()}
    loaded([(ImageRef("a"),), (ImageRef("b"),)], load)
    assert threading.main_thread() not in threads[2:]


def test_questions_about_a_picture_load_it_once() -> None:
    names = []

    def load(ref: ImageRef) -> LoadedImage:
        names.append(ref.name)
        return picture(ref)

    a, b = ImageRef("a"), ImageRef("b")
    assert loaded([(a,), (a,), (a, b), (a, b), (ImageRef("a"),)], load)[-1] == ["a"]
    assert sorted(names) == ["a", "a", "b"]


def loaded_ahead(size_bytes: int) -> int:
    """How many pictures wait for a reader who took eight and then goes to sleep."""
    names: list[str] = []

    def load(ref: ImageRef) -> LoadedImage:
        names.append(ref.name)
        return picture(ref, size_bytes)

    def settle() -> int:
        count, patience = -1, time.monotonic() + 30
        while count != len(names) and time.monotonic() < patience:
            count = len(names)
            time.sleep(0.1)
        return count

    stream = load_ahead([(ImageRef(str(i)),) for i in range(100)], lambda job: job, load)
    for _ in range(8):
        next(stream)
        count = settle()
    stream.close()  # type: ignore[attr-defined]
    return count - 8


def test_pictures_and_pixels_that_wait_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert loaded_ahead(3) == 4
    monkeypatch.setattr(ahead, "_MOST_BYTES_AHEAD", 3000)
    assert loaded_ahead(3000) == 1


def test_threads_end_with_the_jobs() -> None:
    def jobs() -> Iterator[Refs]:
        for number in range(20):
            yield (ImageRef(str(number)),)

    others = set(threading.enumerate())
    stream = load_ahead(jobs(), lambda job: job, picture)
    next(stream)
    mine = set(threading.enumerate()) - others
    assert mine
    stream.close()  # type: ignore[attr-defined]
    for thread in mine:
        thread.join(10)
        assert not thread.is_alive()
