"""A context and who sits in it: one answer a slot, and what each slot still holds of the answers before."""

from __future__ import annotations

from vlmcli.engine.held import Held, Shared
from vlmcli.engine.llama.answering import Answering
from vlmcli.engine.llama.beginning import Beginning
from vlmcli.engine.llama.context import Context
from vlmcli.engine.llama.decoder import Decoder
from vlmcli.engine.llama.read_in import ReadIn, up_to_last_picture
from vlmcli.engine.scheduler import Scheduler


class Room:
    """Owns its context. `whole_prompts`: see Scheduler."""

    def __init__(self, context: Context, read_in: ReadIn | None, whole_prompts: bool) -> None:
        self.context = context
        self._read_in = read_in
        self._beginning = Beginning(context)
        self.scheduler = Scheduler(context.plan.n_slots, whole_prompts)
        self.seated: dict[int, Answering] = {}
        self._held = [Held() for _ in range(context.plan.n_slots)]

    def takes(self, answering: Answering) -> bool:
        """Whether there is a free slot, and nobody is at work on the same picture: its rows will be there after."""
        return bool(self.scheduler.free) and not any(
            answering.pictures & other.pictures for other in self.seated.values()
        )

    def seat(self, answering: Answering, decoder: Decoder) -> None:
        """In the free slot that holds most of the prompt already; the rest of what it holds is forgotten."""
        found = {slot: self._held[slot].shared_with(answering.keys, answering.goes_on) for slot in self.scheduler.free}
        slot = max(found, key=lambda slot: (found[slot].position, -self._held[slot].end))
        shared = self._restore(slot, answering) or self._forget_all_but(slot, found[slot])
        answering.begin(slot, self._held[slot], shared, decoder)
        self.scheduler.admit(slot, answering.pieces_left)
        self.seated[slot] = answering

    def _forget_all_but(self, slot: int, shared: Shared) -> Shared:
        """What is really left: a memory that cannot forget a part forgets all."""
        kept = shared if self.context.forget_from(slot, shared.position) else Shared()
        self._held[slot].keep(kept)
        return kept

    def _restore(self, slot: int, answering: Answering) -> Shared | None:
        """The read-in pictures from the cache, when the slot does not hold them and they were saved."""
        pictures = up_to_last_picture(answering.keys)
        if self._read_in is None or self._held[slot].shared_with(answering.keys, False).pieces >= pictures:
            return None
        self._forget_all_but(slot, Shared())
        count = self._read_in.restore(self.context, slot, answering.pieces, self._held[slot])
        return Shared(count, 0, self._held[slot].end)

    def copy_piece(self, answering: Answering) -> bool:
        """Copy the words before the picture from where another read them. False when they must be read."""
        slot, held = answering.slot, self._held[answering.slot]
        if held.end or answering.pieces_left == 1 or not self._beginning.copy_to(slot, answering.keys[0], held):
            return False
        answering.skip_piece(held.end)
        return True

    def save_read_in(self, answering: Answering) -> None:
        """Keep the words that were just read in, for others; and the pictures, once all of them are."""
        if answering.request.one_of_many and len(answering.keys) - answering.pieces_left == 1:
            self._beginning.keep(answering.slot, answering.keys[0], self._held[answering.slot].end)
        pictures = up_to_last_picture(answering.keys)
        just_read = len(answering.keys) - answering.pieces_left == pictures
        if self._read_in and just_read and answering.reads_pictures:
            self._read_in.save(self.context, answering.slot, answering.keys[:pictures], answering.read_s)

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
