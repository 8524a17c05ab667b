"""Many requests to one server or several: as many at once as suits them, and again where that is safe.

It is safe as long as nobody has been shown a word: a question changes nothing on the server. Of many pictures no word
is shown before an answer is whole, so there it is always safe.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import replace
from typing import Any

from vlmcli.core import Answer, Choices, Event, Failed, Finished, Note, Request, ServedModel, Stage, TextChunk
from vlmcli.engine.server.body import body_of
from vlmcli.engine.server.dialects import Dialect
from vlmcli.engine.server.exchange import Host, exchange
from vlmcli.engine.server.failures import Means, Trouble
from vlmcli.engine.server.fleet import Fleet, Server
from vlmcli.engine.server.forms import checked
from vlmcli.engine.server.reading import Reading
from vlmcli.engine.server.scoring import label_probabilities
from vlmcli.engine.server.work import Work
from vlmcli.errors import EngineError, ServerError, VlmError

_TRIES = 4
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.4, 10.0
_MOST_FAILURES = 8
"""Requests that fail one after the other, each after all its tries, before it is the server's fault."""
_WAITING_S, _LONG_REST_S = 0.5, 1.0
"""A wait is told of when it has taken so long, or when the server itself says that it will."""

Uris = Callable[[Request], Awaitable[Mapping[str, str]]]
"""The data URI of each of its pictures, by digest."""


class Dispatch:
    """All of it runs in one event loop. `emit` hands events out; an exception is the end of all."""

    def __init__(
        self,
        model: ServedModel,
        dialect: Dialect,
        fleet: Fleet[Host],
        uris: Uris,
        emit: Callable[[list[Event | BaseException]], None],
    ) -> None:
        self._model, self._dialect, self._fleet, self._uris, self._emit = model, dialect, fleet, uris, emit
        self._ready: deque[Work] = deque()
        self._all: dict[int, Work] = {}
        self._at: dict[int, Server[Host]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._unwell_since_s: float | None = None
        self._rest_s = 0.0
        self._failures = 0
        self._is_waiting = self._is_over = self._has_begun = False
        self._told_of: set[Means] = set()

    @property
    def room(self) -> int:
        """Requests to have at hand: those in work, and some whose pictures are made ready meanwhile."""
        return self._fleet.room + 2

    def add(self, requests: Iterable[Request]) -> None:
        for request in requests:
            work = self._all[request.id] = Work(request)
            self._spawn(self._prepare(work))

    def end(self) -> list[Finished]:
        """Stop everything; what is in flight ends with what was said of it."""
        self._is_over = True
        for task in self._tasks:
            task.cancel()
        for id in list(self._at):
            self._leave(id)  # the fleet outlives us, and a task that was not begun yet says nothing
        if self._alarm:
            self._alarm.cancel()
        return [Finished(id, work.said_so_far) for id, work in self._all.items()]

    # --- on their way ---------------------------------------------------------------------------------------

    def _spawn(self, steps: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(self._guarded(steps))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: steps.close())  # where it was cancelled before it began

    async def _guarded(self, steps: Awaitable[None]) -> None:
        """Whatever goes wrong reaches who waits for us."""
        try:
            await steps
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._give_up(error)

    async def _prepare(self, work: Work) -> None:
        if work.request.prefix and not self._dialect.goes_on:
            self._settle(work, Answer("", "repetition"))  # it cannot be gone on with: the loop is its end
            return
        try:
            work.uris = await self._uris(work.request)
        except VlmError as error:
            self._fail(work, error)
            return
        self._ready.append(work)
        self._start()

    def _start(self) -> None:
        """Send what may be sent now, and come again when time alone will allow more."""
        while self._ready and not self._is_over:
            server = self._fleet.next_server(time.monotonic())
            if server is None:
                self._set_alarm()
                return
            work = self._ready.popleft()
            self._at[work.request.id] = server
            server.pace.began()
            self._spawn(self._try(work, server))

    def _leave(self, id: int) -> None:
        """This request is not in work any more, answered or not."""
        if server := self._at.pop(id, None):
            server.pace.ended()

    def _set_alarm(self) -> None:
        wait_s = self._fleet.wait_s(time.monotonic())
        if self._alarm is None and wait_s is not None:
            self._alarm = asyncio.get_running_loop().call_later(wait_s, self._wake)

    def _wake(self) -> None:
        self._alarm = None
        self._start()

    async def _try(self, work: Work, server: Server[Host]) -> None:
        try:
            try:
                answer = await self._answer(work, server.place)
            finally:
                self._leave(work.request.id)
        except Trouble as trouble:
            self._handle(work, server, trouble)
        except VlmError as error:
            self._fail(work, error)
        else:
            self._is_well(server)
            server.pace.answered(time.monotonic())
            self._settle(work, answer)
        finally:
            self._start()

    async def _answer(self, work: Work, host: Host) -> Answer:
        request, form = work.request, work.request.form
        if not (self._has_begun and request.one_of_many):  # of many, one is enough to say what is going on
            self._has_begun = True
            self._emit([Stage(request.id, "reading")])
        work.started_s = work.started_s or asyncio.get_running_loop().time()
        work.reading = reading = Reading(request)
        body = body_of(request, host.model, self._dialect, work.uris, again=work.tries > 0)
        show = None if request.one_of_many or form is not None else self._shower(work)
        answer = await exchange(host, body, reading, show, work.deadline_s)
        if form is None or answer.stop_reason not in ("end", "stop"):
            return answer
        answer = replace(answer, text=checked(form, answer.text, self._dialect))
        return self._with_probabilities(work, form, answer) if isinstance(form, Choices) else answer

    def _with_probabilities(self, work: Work, form: Choices, answer: Answer) -> Answer:
        """What the server tells of the other labels; with none of that, the label alone."""
        assert work.reading
        shares = label_probabilities(form.labels, work.reading.places)
        if not shares:
            return answer
        return replace(answer, text=form.labels[shares.index(max(shares))], probabilities=shares)

    def _shower(self, work: Work) -> Callable[[str], None]:
        def show(words: str) -> None:
            work.shown += words
            self._emit([TextChunk(work.request.id, words)])

        return show

    # --- how it went ----------------------------------------------------------------------------------------

    def _settle(self, work: Work, answer: Answer) -> None:
        del self._all[work.request.id]
        rest = answer.text[len(work.shown) :]
        words: list[Event | BaseException] = [TextChunk(work.request.id, rest)] if rest else []
        self._emit([*words, Finished(work.request.id, answer)])

    def _fail(self, work: Work, error: Exception) -> None:
        del self._all[work.request.id]
        self._emit([Failed(work.request.id, error)])

    def _give_up(self, error: BaseException) -> None:
        if not self._is_over:
            known = isinstance(error, VlmError) or not isinstance(error, Exception)
            self._emit([error if known else EngineError(f"The engine failed: {type(error).__name__}: {error}.")])

    def _is_well(self, server: Server[Host]) -> None:
        server.answers()
        self._unwell_since_s, self._rest_s, self._failures, self._is_waiting = None, 0.0, 0, False

    def _handle(self, work: Work, server: Server[Host], trouble: Trouble) -> None:
        """Whether it is tried again, and what is known of the server now."""
        means, now_s = trouble.means, time.monotonic()
        if means in ("gone", "busy"):
            if means == "busy":
                server.answers()
                server.pace.overloaded(now_s, trouble.retry_after_s)
            else:
                server.is_gone(now_s)
            self._wait_or_give_up(work, trouble, now_s)
        elif work.shown:  # a word was seen already: what there is of the answer is kept
            assert work.reading
            self._settle(work, work.reading.answer("connection"))
        elif means == "all" and not (server.place.spoke and isinstance(trouble.error, ServerError)):
            self._give_up(trouble.error)
        elif means == "again" and work.tries + 1 < _TRIES:
            work.tries += 1
            asyncio.get_running_loop().call_later(pause_s(work.tries), self._again, work)
        else:
            self._failures += means != "this"
            if self._failures >= _MOST_FAILURES:
                self._give_up(trouble.error)
            self._fail(work, trouble.error)

    def _again(self, work: Work) -> None:
        self._ready.appendleft(work)
        self._start()

    def _wait_or_give_up(self, work: Work, trouble: Trouble, now_s: float) -> None:
        """Nothing is lost yet: another server may answer, or this one later. One question alone does not wait long."""
        if self._unwell_since_s is None:
            self._unwell_since_s = now_s
        self._rest_s = max(self._rest_s, trouble.retry_after_s or 0.0)
        others = trouble.means == "gone" and not self._fleet.is_down
        alone = not work.request.one_of_many and trouble.means == "gone" and not others
        waited_s = now_s - self._unwell_since_s
        is_too_long = waited_s > self._model.patience_s + self._rest_s and not self._fleet.in_work and not others
        if is_too_long or (alone and work.tries + 1 >= _TRIES):
            self._give_up(trouble.error)
            return
        work.tries += alone
        is_long = waited_s >= _WAITING_S or (trouble.retry_after_s or 0.0) >= _LONG_REST_S
        if is_long and not others and not self._fleet.in_work:
            self._tell_of_waiting(trouble, alone)
        self._again(work)

    def _tell_of_waiting(self, trouble: Trouble, alone: bool) -> None:
        """Why and for how long, once for each reason; one question alone, which soon gives up, only shows it."""
        if not alone and trouble.means not in self._told_of:
            self._told_of.add(trouble.means)
            most_s = self._model.patience_s + self._rest_s
            self._emit([Note(f"{trouble.error.sentence} Waiting for it, up to {most_s:.0f} seconds.")])
        if not self._is_waiting:
            self._is_waiting = True
            self._emit([Stage(None, "waiting")])


def pause_s(tries: int) -> float:
    """Before another try: twice as long each time, and by chance a shorter one, so that not all come back at once."""
    return random.uniform(0.5, 1.0) * min(_FIRST_PAUSE_S * 2.0 ** (tries - 1), _LONGEST_PAUSE_S)
