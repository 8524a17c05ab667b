"""The workers of a cluster, seen from the job: they stand where the engine's process stands, with the same messages.

One thread speaks with Ray, and waits at one place for the job's words and for the workers'. A worker that dies is
replaced, and what it had goes to others: of that the job hears nothing. It hears of each picture once.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from queue import SimpleQueue
from typing import Any

from vlmcli.batch.blame import PictureKilled
from vlmcli.batch.cluster.actor import Actor, Bye, Ready
from vlmcli.batch.cluster.connecting import connect, disconnect
from vlmcli.batch.cluster.crew import Crew
from vlmcli.batch.cluster.shape import ClusterSettings, Shape, shape_of
from vlmcli.batch.messages import Ask, Begun, Died, Done, GaveUp, Killed, Loading, NoMore, Start
from vlmcli.batch.process import Heard
from vlmcli.batch.serving import as_ours
from vlmcli.errors import EngineError, PictureNotFound, VlmError

_DEATHS_EACH = 3
"""Deaths for each worker, with no answer between them, after which it is not the pictures' fault."""
_KILL_S = 5.0
_LATE_S = 60.0
"""How long to wait for the first worker before saying that the cluster may be full."""
_AT_ONCE = 3
"""Calls that a worker takes at a time: one that listens, one that speaks, one to spare."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """A worker's long poll is over: what it said, or how it died."""

    worker: int
    said: list[Any]
    death: BaseException | None = None


@dataclass(frozen=True, slots=True)
class _Farewell:
    """All is answered: let the workers close what they have open."""


@dataclass(frozen=True, slots=True)
class _Late:
    """Some worker should be ready by now."""


@dataclass(frozen=True, slots=True)
class _Kill:
    pass


class RayWorkers:
    def __init__(self, start: Start, heard: Heard, verbose: bool, settings: ClusterSettings) -> None:
        self._start, self._heard, self._verbose, self._settings = start, heard, verbose, settings
        self._inbox: SimpleQueue[Any] = SimpleQueue()
        self._gone = threading.Event()
        self._crew, self._actors, self._machines = Crew(), dict[int, Any](), dict[int, str]()
        self._n_hired = self._n_deaths = 0
        self._blamed: list[tuple[Ask, PictureKilled]] = []
        self._notes: set[str] = set()
        self._leaving = self._stopping = self._answered = False
        threading.Thread(target=self._work, name="ray", daemon=True).start()

    # --- the job's words, from its thread -------------------------------------------------------------------

    def ask(self, ask: Ask) -> None:
        self._inbox.put(ask)

    def pause(self) -> None:
        """Workers never keep answers back."""

    def no_more(self, at_once: bool = False) -> None:
        """Only `at_once` is for the workers: what one of them has may yet have to go to another."""
        if at_once:
            self._inbox.put(NoMore(at_once=True))

    def wait(self, seconds: float) -> bool:
        self._inbox.put(_Farewell())
        return self._gone.wait(seconds)

    def kill(self) -> None:
        self._inbox.put(_Kill())
        self._gone.wait(_KILL_S)

    # --- the thread that speaks with Ray --------------------------------------------------------------------

    def _work(self) -> None:
        try:
            self._tell(Loading())
            self._ray = connect(self._settings.address, self._verbose)
            self._hire_all()
            while not isinstance(message := self._inbox.get(), _Kill) and not self._is_over(message):
                self._hand_out()
        except Exception as error:
            self._tell(GaveUp(as_ours(error)))
        finally:
            self._dismiss_all()
            self._gone.set()

    def _is_over(self, message: Any) -> bool:
        """Deal with a message. True when nobody is left to hear from."""
        if isinstance(message, Ask):
            self._crew.put(message)
        elif isinstance(message, NoMore):
            self._stopping = True
            self._crew.drop_waiting()
            self._send_all(message)
        elif isinstance(message, _Farewell):
            self._leaving = True
            self._send_all(NoMore())
        elif isinstance(message, _Heard):
            self._hear(message)
        elif isinstance(message, _Late) and not self._machines:
            each = f"{self._shape.cpus:g} processors and {self._shape.gpus:g} GPUs"
            self._tell(Loading(note=f"still no worker: the cluster may be full, each wants {each}; see: ray status"))
        if self._stopping and not any(map(self._crew.is_busy, self._crew.workers)):
            self._tell(Died(0))
            return True
        return self._leaving and not self._crew.workers

    def _hire_all(self) -> None:
        machines = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        self._shape: Shape = shape_of(machines, self._settings)
        for _ in range(self._shape.workers):
            self._hire()
        late = threading.Timer(_LATE_S, self._inbox.put, [_Late()])
        late.daemon = True
        late.start()

    def _hire(self) -> None:
        """A new worker. It joins the crew when it says that it is ready."""
        self._n_hired += 1
        actor = self._ray.remote(Actor).options(
            num_cpus=self._shape.cpus,
            num_gpus=self._shape.gpus,
            max_concurrency=_AT_ONCE,
            max_restarts=0,
            scheduling_strategy="SPREAD",
        )
        self._actors[self._n_hired] = actor.remote(self._start, os.getcwd(), self._shape.threads)
        self._listen(self._n_hired)

    def _listen(self, worker: int) -> None:
        future = self._actors[worker].hear.remote().future()
        future.add_done_callback(partial(_pass_on, worker, self._inbox.put))

    def _send_all(self, message: NoMore) -> None:
        for worker in self._crew.workers:
            self._actors[worker].take.remote([message])

    def _hand_out(self) -> None:
        while not (self._stopping or self._leaving) and (handed := self._crew.next()):
            worker, ask = handed
            self._actors[worker].take.remote([ask])
        if self._crew.is_idle:
            self._settle_blamed()

    # --- what workers say -----------------------------------------------------------------------------------

    def _hear(self, heard: _Heard) -> None:
        if heard.worker not in self._actors:
            return
        for said in heard.said:
            self._handle(heard.worker, said)
        if heard.death is not None:
            self._lose(heard.worker, heard.death)
        elif heard.worker in self._actors:
            self._listen(heard.worker)

    def _handle(self, worker: int, said: Any) -> None:
        if isinstance(said, Done):
            ask = self._crew.done(worker, said.number)
            if said.record.error is None:
                self._n_deaths, self._answered = 0, True
                self._settle_blamed()
            self._tell(self._as_seen_here(said, ask, worker))
        elif isinstance(said, Begun):
            self._crew.begun(worker, said.number)
            self._tell(said)
        elif isinstance(said, Loading):
            if not (self._answered or said.note in self._notes):
                self._notes |= {said.note} - {""}  # what several workers have to say is said once
                self._tell(said)
        elif isinstance(said, Ready):
            self._machines[worker] = said.machine
            if not self._leaving:  # it was told of no farewell
                self._crew.join(worker)
        elif isinstance(said, GaveUp):
            raise said.error
        elif isinstance(said, Bye):
            self._crew.leave(worker)
            del self._actors[worker]

    def _as_seen_here(self, done: Done, ask: Ask, worker: int) -> Done:
        """A file that is here and not there wants another hint."""
        error = done.record.error
        if not (isinstance(error, PictureNotFound) and ask.content is None and os.path.exists(ask.name)):
            return done
        sentence = f"{ask.name} is here, but {self._machines[worker]}, a worker of the cluster, does not see it."
        hint = "Put the pictures where all machines see them, or into a store: s3://bucket/photos"
        return replace(done, record=replace(done.record, error=PictureNotFound(sentence, hint)))

    def _lose(self, worker: int, death: BaseException) -> None:
        """A worker is gone: others take over what it had, and a new one comes."""
        actor = self._actors.pop(worker)
        self._dismiss(actor)  # Ray may merely not reach it: nothing more shall come from there
        blamed = self._crew.leave(worker)
        self._n_deaths += 1
        if blamed:
            sentence = f"{blamed.name} ended the engine on {self._machines[worker]}, a worker of the cluster."
            self._blamed.append((blamed, PictureKilled(sentence, "Try it alone: vlm describe … --verbose")))
        if self._n_deaths >= _DEATHS_EACH * self._shape.workers:
            raise _all_die(self._n_deaths, death)
        if not (self._stopping or self._leaving):
            self._hire()

    def _settle_blamed(self) -> None:
        """Others are answered, so it was the picture: a failed record of it."""
        blamed, self._blamed = self._blamed, []
        for ask, error in blamed:
            self._tell(Killed(ask.number, error))

    def _tell(self, message: Any) -> None:
        self._heard.put((self, message))

    def _dismiss_all(self) -> None:
        for actor in self._actors.values():
            self._dismiss(actor)
        if hasattr(self, "_ray"):
            disconnect(self._ray)

    def _dismiss(self, actor: Any) -> None:
        try:
            self._ray.kill(actor)
        except Exception:  # it is gone already, or so is the cluster
            pass


def _pass_on(worker: int, put: Callable[[_Heard], None], future: Any) -> None:
    """From a thread of Ray's."""
    death = future.exception()
    put(_Heard(worker, [] if death else future.result(), death))


def _all_die(many: int, death: BaseException) -> VlmError:
    said = str(death)
    if "No module named 'vlmcli'" in said:
        return EngineError("The cluster's machines have no vlm.", "On each of them: pip install 'vlmcli[ray]'")
    last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), type(death).__name__)
    return EngineError(
        f"The cluster's workers died {many} times without an answer between ({last[:200].rstrip('.')}).",
        "Look at what they say: vlm … --verbose",
    )
