"""A context and who sits in it: one answer a slot, and what each slot still holds of the answers before."""

from __future__ import annotations

from vlmcli.engine.held import Held, Shared
from vlmcli.engine.llama.answering import Answering
from vlmcli.engine.llama.context import Context
from vlmcli.engine.llama.decoder import Decoder
from vlmcli.engine.scheduler import Scheduler


class Room:
    """Owns its context."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.scheduler = Scheduler(context.plan.n_slots)
        self.seated: dict[int, Answering] = {}
        self._held = [Held() for _ in range(context.plan.n_slots)]

    def takes(self, answering: Answering) -> bool:
        """Whether there is a free slot, and nobody is at work on the same picture: its rows will be there after."""
        return bool(self.scheduler.free) and not any(
            answering.pictures & other.pictures for other in self.seated.values()
        )

    def seat(self, answering: Answering, decoder: Decoder, load_s: float) -> None:
        """In the free slot that holds most of the prompt already; the rest of what it holds is forgotten."""
        found = {slot: self._held[slot].shared_with(answering.keys, answering.goes_on) for slot in self.scheduler.free}
        slot = max(found, key=lambda slot: (found[slot].position, -self._held[slot].end))
        shared = found[slot]
        if not self.context.forget_from(slot, shared.position):
            shared = Shared()
        self._held[slot].keep(shared)
        answering.begin(slot, self._held[slot], shared, decoder, load_s)
        self.scheduler.admit(slot, answering.pieces_left)
        self.seated[slot] = answering

    def leave(self, answering: Answering, keep: bool = True) -> None:
        """Free the slot of an answer, if it has one. What was read in stays for the next, unless it failed."""
        slot = answering.slot
        if self.seated.get(slot) is answering:
            del self.seated[slot]
            self.scheduler.release(slot)
            if not keep:
                self._held[slot].keep(Shared())
                self.context.forget_from(slot, 0)

    def close(self) -> None:
        self.context.close()
