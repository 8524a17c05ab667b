"""Questions that nobody waits for any more: the server is as free afterwards as before."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Generator, Mapping
from typing import cast

import pytest

from tests.engine.server import fake as faults
from tests.engine.server.fake import ANSWER, Fake
from vlmcli import Vlm
from vlmcli.core import Family, JobEvent, JobText, Request, ServedModel, Text, Turn
from vlmcli.engine.server.dialects import dialect_named
from vlmcli.engine.server.dispatch import Dispatch
from vlmcli.engine.server.exchange import Host
from vlmcli.engine.server.fleet import Fleet
from vlmcli.engine.server.pace import START
from vlmcli.images import resolve_all
from vlmcli.tasks import TaskOptions

PATIENCE_S = 60


def interrupt(vlm: Vlm, events: Generator[JobEvent, None, None]) -> None:
    assert any(isinstance(event, JobText) for event in events)
    vlm.interrupt()
    with pytest.raises(KeyboardInterrupt):
        deque(events, 0)


def leave(vlm: Vlm, events: Generator[JobEvent, None, None]) -> None:
    assert any(isinstance(event, JobText) for event in events)
    events.close()


@pytest.mark.parametrize("end", [interrupt, leave], ids=["interrupted", "left early"])
def test_the_next_question_is_answered(
    end: Callable[[Vlm, Generator[JobEvent, None, None]], None], picture: str, fake: Fake
) -> None:
    fake.faults.extend([faults.stall_in_the_middle] * (START + 1))
    answers: list[str] = []

    def ask() -> None:
        with Vlm(engine=fake.url) as vlm:
            for _ in range(START + 1):
                job = vlm.job("ask", resolve_all([picture]), TaskOptions(question="What?"))
                end(vlm, cast(Generator[JobEvent, None, None], vlm.run([job])))
            answers.append(str(vlm.ask(picture, "What?")))

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(PATIENCE_S)
    assert answers == [ANSWER]


def test_a_request_that_was_not_begun_yet_leaves_its_place_too() -> None:
    async def ended_at_once() -> int:
        model = ServedModel("m", ("http://127.0.0.1:9",), Family("server"), 1_000_000, 5.0, 5.0)
        fleet: Fleet[Host] = Fleet([None], 4)  # type: ignore[list-item]

        async def no_uris(request: Request) -> Mapping[str, str]:
            return {}

        dispatch = Dispatch(model, dialect_named(""), fleet, no_uris, lambda events: None)
        dispatch.add([Request(0, (Turn("user", (Text("What?"),)),))])
        await asyncio.sleep(0)  # it is given to a server, and its own steps come next
        assert fleet.in_work == 1
        dispatch.end()
        await asyncio.sleep(0)
        return fleet.in_work

    assert asyncio.run(ended_at_once()) == 0
