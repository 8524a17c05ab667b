"""The loop on which llama.cpp runs: receive, admit, advance, one step after the other."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from queue import Empty, SimpleQueue

from vlmcli.core import Event, Failed, Finished, Note, Request, StopReason, TextChunk
from vlmcli.engine.fit import ContextPlan
from vlmcli.engine.llama.abort import Abort
from vlmcli.engine.llama.answering import Answering
from vlmcli.engine.llama.context import Context
from vlmcli.engine.llama.model import OpenModel
from vlmcli.engine.llama.opening import SMALLER_KV
from vlmcli.engine.llama.room import Room
from vlmcli.engine.scheduler import Prefill
from vlmcli.errors import DoesNotFit, VlmError

Inbox = SimpleQueue[list[Request] | None]
"""Requests that came in together; None: there will be no more."""


class Worker:
    """Answers requests with an open model. All of it runs on one thread."""

    def __init__(self, model: OpenModel, abort: Abort, parallel: int) -> None:
        self._model, self._abort, self._parallel = model, abort, parallel
        self._room: Room | None = None
        self._waiting: deque[Answering] = deque()
        self._emit: Callable[[Event], None] = lambda event: None

    def serve(self, inbox: Inbox, emit: Callable[[Event], None]) -> None:
        """Answer what comes in until None does and all is answered, or until interrupted."""
        self._emit = emit
        more = True
        while not self._abort.interrupted and (more or self._busy):
            more = self._receive(inbox, more)
            self._admit()
            if self._room:
                self._advance(self._room)
        for answering in [*(self._room.seated.values() if self._room else ()), *self._waiting]:
            self._end(answering, "interrupted")
        self._waiting.clear()

    @property
    def _busy(self) -> bool:
        return bool(self._waiting) or (self._room is not None and not self._room.scheduler.idle)

    def _receive(self, inbox: Inbox, more: bool) -> bool:
        """Take in what has come; wait for it only when there is nothing else to do. False after the last."""
        while more:
            try:
                requests = inbox.get_nowait() if self._busy else inbox.get()
            except Empty:
                return True
            if requests is None:
                return False
            for request in requests:
                self._prepare(request)
        return False

    def _prepare(self, request: Request) -> None:
        try:
            self._waiting.append(self._model.prepare(request))
        except VlmError as error:
            self._emit(Failed(request.id, error))

    # --- who sits where -----------------------------------------------------------------------------------

    def _admit(self) -> None:
        """Give waiting requests the free slots, in their order; a larger room when the next one needs it."""
        while self._waiting:
            if self._room is None or self._is_too_small(self._room):
                if self._room and not self._room.scheduler.idle:
                    return
                self._make_room()
                continue
            answering = next(filter(self._room.takes, self._waiting), None)
            if answering is None or not self._room.context.plan.holds(answering.need):
                return
            self._waiting.remove(answering)
            answering.spend_loading(self._model.take_load_s())
            self._room.seat(answering, self._model.decoder)

    def _is_too_small(self, room: Room) -> bool:
        """For the next of those who wait, however few sit in it; or, when it is empty, for all who can sit together."""
        plan = room.context.plan
        if not plan.holds(self._waiting[0].need):
            return True
        return room.scheduler.idle and plan.n_slots < self._most_slots and plan.n_slots < self._plan().n_slots

    def _make_room(self) -> None:
        """A context for those who wait. When it cannot be had they fail, each with the reason."""
        self._close_room()
        try:
            self._room = Room(self._make_context(), self._model.read_in, self._waiting[0].request.one_of_many)
        except VlmError as error:
            for answering in self._waiting:
                answering.finish()
                self._emit(Failed(answering.request.id, error))
            self._waiting.clear()

    def _make_context(self) -> Context:
        """As planned; or with fewer side by side, and at last with a smaller KV, when memory is not to be had."""
        while True:
            plan = self._plan()
            try:
                return Context(self._model.decoder, plan, self._abort, self._model.threads, self._model.threads_batch)
            except DoesNotFit:
                if plan.n_slots > 1:
                    self._parallel = plan.n_slots // 2
                    self._emit(
                        Note(f"Memory is short: {self._parallel} at a time are answered, and not {plan.n_slots}.")
                    )
                elif self._model.shrink_kv():
                    self._emit(SMALLER_KV)
                    for answering in self._waiting:
                        answering.need = replace(answering.need, flash_attention=True)
                else:
                    raise

    @property
    def _most_slots(self) -> int:
        """A few questions about the same pictures take turns in one sequence, which can be restored from the cache."""
        many = self._waiting[0].request.one_of_many
        pictures = {answering.pictures for answering in self._waiting}
        return min(self._parallel, len(self._waiting) if many else len(pictures))

    def _plan(self) -> ContextPlan:
        return self._model.plan_context([answering.need for answering in self._waiting], self._most_slots)

    # --- one step -----------------------------------------------------------------------------------------

    def _advance(self, room: Room) -> None:
        step = room.scheduler.next()
        if isinstance(step, Prefill):
            self._read_piece(room, room.seated[step.slot])
        elif step:
            self._write(room, [room.seated[slot] for slot in step.slots])
        now = time.monotonic()
        for answering in [a for a in room.seated.values() if a.deadline is not None and now > a.deadline]:
            self._end(answering, "timeout")

    def _read_piece(self, room: Room, answering: Answering) -> None:
        if copied := room.copy_pieces(answering):
            for _ in range(copied):
                room.scheduler.piece_read(answering.slot)
            return
        self._emit(answering.stage)
        self._abort.deadline = answering.deadline
        try:
            done = answering.read_piece(room.context, self._model.eyes, self._model.decoder.width)
        except VlmError as error:
            self._fail(answering, error)
            return
        finally:
            self._abort.deadline = None
        if not done:
            return  # interrupted, or too late: whoever notices ends it
        room.scheduler.piece_read(answering.slot)
        room.save_read_in(answering)
        if answering.has_read:
            (self._choose_label if answering.labels else self._choose)(room, answering, -1)

    def _write(self, room: Room, answerings: list[Answering]) -> None:
        try:
            room.context.step([answering.step_entry() for answering in answerings])
        except VlmError as error:
            for answering in answerings:
                self._fail(answering, error)
            return
        for index, answering in enumerate(answerings):
            self._choose(room, answering, index)

    def _choose(self, room: Room, answering: Answering, index: int) -> None:
        try:
            answering.choose(room.context, self._model.decoder, index)
        except VlmError as error:
            self._fail(answering, error)
            return
        words = answering.words()
        if words:
            self._emit(TextChunk(answering.request.id, words))
        if answering.stop_reason:
            self._end(answering, answering.stop_reason)

    def _choose_label(self, room: Room, answering: Answering, _index: int) -> None:
        """When it is aborted, whoever notices ends it."""
        self._abort.deadline = answering.deadline
        try:
            done = answering.choose_label(room.context, self._model.decoder)
        except VlmError as error:
            self._fail(answering, error)
            return
        finally:
            self._abort.deadline = None
        if done:
            self._end(answering, "end")

    # --- endings ------------------------------------------------------------------------------------------

    def _end(self, answering: Answering, reason: StopReason) -> None:
        answering.stop_reason = reason
        rest, answer = answering.finish()
        if self._room:
            self._room.leave(answering)
        if rest:
            self._emit(TextChunk(answering.request.id, rest))
        self._emit(Finished(answering.request.id, answer))

    def _fail(self, answering: Answering, error: VlmError) -> None:
        answering.finish()
        if self._room:
            self._room.leave(answering, keep=False)
        self._emit(Failed(answering.request.id, error))

    def _close_room(self) -> None:
        room, self._room = self._room, None
        if room:
            room.close()

    def close(self) -> None:
        """Free the context and the model."""
        self._close_room()
        self._model.close()
