"""A context and who sits in it: one answer a slot, and what each slot still holds of the answers before."""

from __future__ import annotations

from vlmcli.engine.held import Held, Shared
from vlmcli.engine.llama.answering import Answering
from vlmcli.engine.llama.context import Context
from vlmcli.engine.llama.decoder import Decoder
from vlmcli.engine.llama.pieces import row_pieces
from vlmcli.engine.llama.read_in import ReadIn, up_to_last_picture
from vlmcli.engine.scheduler import Scheduler


class Room:
    """Owns its context. `whole_prompts`: see Scheduler."""

    def __init__(self, context: Context, read_in: ReadIn | None, whole_prompts: bool) -> None:
        self.context = context
        self._read_in = read_in
        self.scheduler = Scheduler(context.plan.n_slots, whole_prompts)
        self.seated: dict[int, Answering] = {}
        self._held = [Held() for _ in range(context.plan.n_slots)]
        self._untouched: set[int] = set()  # slots that have not read anything for who sits there

    def takes(self, answering: Answering) -> bool:
        """Whether there is a free slot, and nobody is just reading the same picture in: it will be there after."""
        return bool(self.scheduler.free) and not any(
            answering.pictures & other.pictures and row_pieces(other.pieces) for other in self.seated.values()
        )

    def seat(self, answering: Answering, decoder: Decoder) -> None:
        """In the free slot that holds most of the prompt already; the rest of what it holds is forgotten."""
        found = {slot: self._held[slot].shared_with(answering.keys, answering.goes_on) for slot in self.scheduler.free}
        slot = max(found, key=lambda slot: (found[slot].position, -self._held[slot].end))
        shared = self._restore(slot, answering) or self._share(slot, answering, found[slot])
        answering.begin(slot, self._held[slot], shared, decoder)
        self.scheduler.admit(slot, answering.pieces_left)
        self.seated[slot] = answering
        self._untouched.add(slot)

    def _share(self, slot: int, answering: Answering, own: Shared) -> Shared:
        """What the slot holds itself, or what another one does if that is more: it has read the same picture."""
        if self._most_held(answering)[1].pieces <= own.pieces:
            return self._forget_all_but(slot, own)
        self._forget_all_but(slot, Shared())
        return self._copy(slot, answering)

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
        saved = self._read_in.find(self.context, answering.keys)
        if saved is None:
            return None
        self._forget_all_but(slot, Shared())
        count = self._read_in.restore(saved, self.context, slot, answering.pieces, self._held[slot])
        return Shared(count, 0, self._held[slot].end)

    def copy_pieces(self, answering: Answering) -> int:
        """How many pieces of a prompt that nothing was read of were copied from a slot that has read the same.

        For what was not there yet when this answer took its seat: the words before the picture, which all share.
        """
        slot = answering.slot
        if slot not in self._untouched:
            return 0
        self._untouched.remove(slot)
        shared = Shared() if self._held[slot].end else self._copy(slot, answering)
        answering.skip_pieces(shared)
        return shared.pieces

    def _copy(self, slot: int, answering: Answering) -> Shared:
        """What any other slot holds of the prompt, copied into this one, which holds nothing."""
        source, shared = self._most_held(answering)
        if not shared.pieces or not self.context.copy(source, slot):
            return Shared()
        if not self.context.forget_from(slot, shared.position):
            return Shared()
        self._held[slot].copy_from(self._held[source], shared)
        return shared

    def _most_held(self, answering: Answering) -> tuple[int, Shared]:
        """The slot, free or not, that holds most of the prompt, in whole pieces."""
        found = [held.shared_with(answering.keys, False) for held in self._held]
        return max(enumerate(found), key=lambda each: each[1].pieces)

    def save_read_in(self, answering: Answering) -> None:
        """Keep the pictures that were just read in, once all of them are."""
        pictures = up_to_last_picture(answering.keys)
        just_read = len(answering.keys) - answering.pieces_left == pictures
        if self._read_in and just_read and answering.reads_pictures:
            self._read_in.save(self.context, answering.slot, answering.keys[:pictures], answering.read_s)

    def leave(self, answering: Answering, keep: bool = True) -> None:
        """Free the slot of an answer, if it has one. What was read in stays for the next, unless it failed."""
        slot = answering.slot
        if self.seated.get(slot) is answering:
            del self.seated[slot]
            self._untouched.discard(slot)
            self.scheduler.release(slot)
            if not keep:
                self._held[slot].keep(Shared())
                self.context.forget_from(slot, 0)

    def close(self) -> None:
        self.context.close()
