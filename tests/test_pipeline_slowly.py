"""Names that come slowly: what is known of a picture is told before the next name is there, whatever the engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.engine.server.fake import Fake, Running
from vlmcli import Vlm
from vlmcli.core import JobDone
from vlmcli.images import resolve_all
from vlmcli.pipeline import Job
from vlmcli.tasks import TaskOptions

ASKED_AGAIN = 400
"""How often, a fiftieth of a second apart, before nothing is told any more."""


@pytest.fixture(params=["llama.cpp", "answers kept", "a server"])
def opened(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vlm]:
    if request.param == "a server":
        running = Running(Fake())
        yield Vlm(engine=running.fake.url)
        running.stop()
        return
    monkeypatch.setenv("VLM_CACHE", "on")
    with Vlm("demo", cache=request.param == "answers kept") as vlm:
        yield vlm


@pytest.fixture
def broken(tmp_path: Path) -> str:
    path = tmp_path / "broken.png"
    path.write_bytes(b"no picture")
    return str(path)


def told_in_time(vlm: Vlm, names: Sequence[str]) -> list[bool]:
    """Of each picture whether it failed. Each name comes when the one before was told of."""
    told: list[bool] = []

    def slowly() -> Iterator[Job | None]:
        for number, name in enumerate(names, 1):
            yield vlm.job("describe", resolve_all([name]), TaskOptions(max_tokens=3))
            for _ in range(ASKED_AGAIN):
                if len(told) == number:
                    break
                yield None
            assert len(told) == number

    for event in vlm.run(slowly(), many=True):
        if isinstance(event, JobDone):
            told.append(event.record.error is not None)
    return told


def test_a_picture_that_cannot_be_read_is_told_of_at_once(opened: Vlm, broken: str, picture: str) -> None:
    names = [broken, picture, broken, broken, picture, broken]
    assert told_in_time(opened, names) == [name == broken for name in names]
