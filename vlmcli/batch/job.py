"""A folder job: the plan in, records into the ledger, whatever dies on the way.

    Wanted --planner--> Todo --engine's process--> Record --> ledger
                    `--> done already, or a twin of another: copied

One thread does it all, and waits at one place, for the engine's next word. The model is opened there, never here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Any, cast

from vlmcli.batch.ahead import Ahead
from vlmcli.batch.blame import Blame
from vlmcli.batch.copies import Copies
from vlmcli.batch.delivery import Delivery
from vlmcli.batch.flight import AHEAD, Flight
from vlmcli.batch.ledger import Key, Ledger
from vlmcli.batch.messages import Ask, Begun, Died, Done, GaveUp, Killed, Loading, Start
from vlmcli.batch.planning import Complaint, Planner, Todo, Verdict, Wanted
from vlmcli.batch.process import Aside, EngineProcess, Heard, OpenAside
from vlmcli.batch.records import copy_of, named
from vlmcli.batch.stamps import Stamp
from vlmcli.batch.tally import Tally, Watcher
from vlmcli.core import PictureInfo, Record
from vlmcli.errors import VlmError
from vlmcli.images.sources.promise import FailedRef

_TICK_S = 0.2
_STARVED_S = 0.02
_PATIENCE_S = 1.0
"""How long answers may wait for the plan. To have them, the engine must run dry, which costs speed."""
_SLICE_S = 0.1
"""How long planning may go on before what was answered meanwhile is written down."""
_FAREWELL_S = 10.0


class FolderJob:
    """`run` it once. The ledger is loaded, and its lock held."""

    def __init__(
        self,
        wanted: Iterator[Wanted | Complaint],
        start: Start,
        planner: Planner,
        ledger: Ledger,
        watcher: Watcher,
        delivery: Delivery | None = None,
        verbose: bool = False,
        open_engine: OpenAside = EngineProcess,
        ahead: int = AHEAD,
    ) -> None:
        self._wanted, self._start, self._planner = Ahead(wanted), start, planner
        self._ledger, self._watcher, self._verbose = ledger, watcher, verbose
        self._delivery = delivery or Delivery()
        self._heard: Heard = SimpleQueue()
        self._open, self._engine = open_engine, cast(Aside | None, None)
        self._flight, self._n_planned, self._sent_s, self.tally = Flight(ahead), 0, 0.0, Tally()
        self._copies, self._blame = Copies(ledger), Blame()
        self._planned_all = self._starved = self._paused = self._told_no_more = self._stopping = False

    def run(self) -> Tally:
        """To the end, or until `interrupt`. Raises OutputError, and the error of an engine that answers nothing."""
        try:
            while not self._is_over:
                self._feed()
                self._listen()
            self._record_blamed()
            self._watcher.tick()
            self._say_farewell()
        finally:
            if self._engine:
                self._engine.kill()
        self.tally.interrupted, self.tally.outdated = self._stopping, self._delivery.outdated
        return self.tally

    def _say_farewell(self) -> None:
        if self._engine and not self._stopping:
            if not self._told_no_more:
                self._engine.no_more()
            self._engine.wait(_FAREWELL_S)  # it closes its caches

    def interrupt(self) -> bool:
        """From a signal handler: finish what is begun. False the second time: leave now, nothing will be torn."""
        if self._stopping:
            return False
        self._stopping = True
        self._heard.put((None, None))  # wakes who waits
        return True

    @property
    def _is_over(self) -> bool:
        if self._stopping:
            return self._engine is None or not self._flight.n_out or self._flight.is_stuck
        return self._planned_all and self._flight.is_empty

    # --- what goes to the engine ----------------------------------------------------------------------------

    def _feed(self) -> None:
        """Send as much as there is room for; not for long at a time."""
        if self._stopping:
            self._stop()
            return
        until = time.monotonic() + _SLICE_S
        while again := self._flight.next_again():
            self._send(*again)
        while self._flight.takes_new and not self._planned_all and time.monotonic() < until:
            if not self._plan_next():
                break
        if self._planned_all and self._flight.takes_new and self._engine and not self._told_no_more:
            self._engine.no_more()
            self._told_no_more = True

    def _plan_next(self) -> bool:
        """Decide about the next one. False when it is not found yet, or there is none."""
        taken = self._wanted.take()
        self._starved = taken == "later"
        if isinstance(taken, str):
            self._planned_all = taken == "end"
            if self._planned_all:
                self._watcher.planned(self._n_planned)
            return False
        self._n_planned += 1
        self._decide(taken[0])
        return True

    def _decide(self, wanted: Wanted | Complaint) -> None:
        if isinstance(wanted, Complaint):
            self.tally.complaints += 1
            self._watcher.complained(wanted.error)
            return
        key = self._planner.key_of(wanted)
        verdict = self._delivery.looked_at(self._planner.judge(wanted), key)
        if isinstance(verdict, Todo):
            self._begin(verdict)
        elif verdict == "done" and (refused := self._delivery.bring_back(wanted, self._ledger, key)):
            self._count(refused)  # its answer stays in the ledger
        else:
            self._skip(verdict, key)

    def _skip(self, verdict: Verdict, key: Key) -> None:
        self.tally.done_before += verdict == "done"
        if verdict == "failed":
            self.tally.kinds_before[self._ledger.entries[key].failed] += 1
        self._watcher.skipped(failed=verdict == "failed")

    def _begin(self, todo: Todo) -> None:
        """Ask the engine, unless what to record is known, or will be when a twin is answered."""
        ref = todo.wanted.ref
        if isinstance(ref, FailedRef):
            self._keep(todo, self._failure(todo, ref.error))
        elif not self._copies.waits(todo):
            self._ask_or_copy(todo)

    def _ask_or_copy(self, todo: Todo) -> None:
        if record := self._copies.find(todo):
            self._copy(todo, record, todo.stamp)
        else:
            self._copies.begin(todo)
            self._send(todo)

    def _send(self, todo: Todo, alone: bool = False) -> None:
        if self._engine is None:
            self._engine = self._open(self._start, self._heard, self._verbose)
            self._told_no_more = self._paused = False
        wanted = todo.wanted
        self._engine.ask(Ask(self._flight.send(todo), todo.name, wanted.question, wanted.content))
        self._paused, self._sent_s = False, time.monotonic()
        if alone:
            self._pause()

    def _pause(self) -> None:
        """Have the answers to what was sent, though more may follow."""
        if self._engine and not self._paused and not self._told_no_more:
            self._engine.pause()
            self._paused = True

    def _stop(self) -> None:
        if self._engine and not (self._told_no_more and self._paused):
            self._engine.no_more(at_once=True)
            self._told_no_more = self._paused = True
            self._watcher.stopping(self._flight.n_begun)

    # --- what comes from it ---------------------------------------------------------------------------------

    def _listen(self) -> None:
        """Hear what was said, if there is something; wait for it if there is nothing else to do."""
        can_plan = not self._planned_all and self._flight.takes_new and not self._stopping
        if can_plan and self._flight.n_out and time.monotonic() > self._sent_s + _PATIENCE_S:
            self._pause()  # the plan is slow to find more: nobody's answer shall wait for that
        try:
            who, message = self._heard.get(timeout=(_STARVED_S if self._starved else 0) if can_plan else _TICK_S)
            while True:
                if who is self._engine:  # else of one that is dead and was mourned
                    self._handle(message)
                who, message = self._heard.get_nowait()
        except Empty:
            self._watcher.tick()

    def _handle(self, message: Any) -> None:
        if isinstance(message, Done):
            todo = self._flight.done(message.number)
            if message.record.error is None:
                self._record_blamed()
            stamp = todo.stamp._replace(sha256=message.sha256 or todo.stamp.sha256)
            self._keep(todo, replace(message.record, pictures=named(message.record, todo.name)), stamp)
        elif isinstance(message, Begun):
            self._flight.begun(message.number)
        elif isinstance(message, Loading):
            self._flight.loading(message)
            self._watcher.loading(message.stage, message.note)
        elif isinstance(message, Killed):
            self._keep(todo := self._flight.done(message.number), self._failure(todo, message.error))
        elif isinstance(message, GaveUp):
            raise message.error
        elif isinstance(message, Died):
            self._mourn(message)

    def _mourn(self, died: Died) -> None:
        """The engine's process is gone. Find out through whom, and go on with a new one."""
        self._engine = None
        if self._stopping or (self._told_no_more and not self._flight.n_out):
            return
        n_begun = self._flight.n_begun
        self._blame.died(died, self._flight.died(), was_at_work=bool(n_begun))

    def _record_blamed(self) -> None:
        """A failed record of each picture that ended the engine."""
        for todo, error in self._blame.settle():
            self._keep(todo, self._failure(todo, error))

    def _keep(self, todo: Todo, record: Record, stamp: Stamp | None = None) -> None:
        """Into the ledger with it, and with the same for all who waited for it."""
        stamp, kept = stamp or todo.stamp, self._delivery.settle(record, self._ledger, todo.key)
        self._ledger.append(todo.name, kept, stamp)
        self._count(kept)
        for twin in self._copies.answered(todo):
            self._copy(twin, record, twin.stamp._replace(sha256=stamp.sha256))

    def _count(self, record: Record) -> None:
        self.tally.count(record)
        self._watcher.answered(record)

    def _copy(self, todo: Todo, record: Record, stamp: Stamp) -> None:
        """The record of a twin for this one."""
        self.tally.copied += record.error is None
        self._keep(todo, copy_of(record, todo.name), stamp)

    def _failure(self, todo: Todo, error: VlmError) -> Record:
        return Record((PictureInfo(todo.name),), self._start.task, todo.key[1], self._start.model, error=error)
