"""The read-in picture: the KV of everything before the question, saved and restored.

Restoring takes milliseconds where reading a picture in takes seconds. It is saved when that is cheaper than doing the
work again, and restored into a sequence in place of the pieces that it stands for.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from vlmcli.cache import digest_of
from vlmcli.engine.held import Held, Key, RowKey
from vlmcli.engine.llama.bindings import llama
from vlmcli.engine.llama.context import Context
from vlmcli.engine.llama.identity import Identity
from vlmcli.engine.llama.pieces import Piece, key_of, position_count
from vlmcli.engine.llama.saver import Saver

_FORMAT = "kv 3"
_SAVING_BYTES_PER_SECOND = 300e6
"""What a slow disk takes. An entry is saved when that is quicker than the work that it spares."""
_MOST_SAVED = 16
"""In one run: beyond that it is a folder, which would only push others out."""


class ReadIn:
    """Saves and restores the pieces of a prompt up to its last picture."""

    def __init__(self, saver: Saver, identity: Identity) -> None:
        self._saver, self._identity = saver, identity
        self._saved = 0

    def find(self, context: Context, keys: Sequence[Key]) -> bytes | None:
        """What was saved of a prompt up to its last picture."""
        count = up_to_last_picture(keys)
        return self._saver.store.get("kv", self._key(context, keys[:count])) if count else None

    def restore(self, data: bytes, context: Context, slot: int, pieces: Sequence[Piece], held: Held) -> int:
        """How many of the pieces, all from the first, are in the sequence now; 0 when llama.cpp refuses the data."""
        count = up_to_last_picture([key_of(piece) for piece in pieces])
        if not _set_state(context, slot, data):
            return 0
        end = 0
        for piece in pieces[:count]:
            end += position_count(piece)
            held.add(key_of(piece), end)
        return count

    def save(self, context: Context, slot: int, keys: Sequence[Key], spent_s: float) -> None:
        """Keep the sequence, which holds just the pieces of `keys`, if the seconds they took are worth the bytes."""
        size = llama.llama_state_seq_get_size(context.pointer, slot)
        if self._saved >= _MOST_SAVED or size / _SAVING_BYTES_PER_SECOND > spent_s:
            return
        buffer = bytearray(size)
        view = (ctypes.c_uint8 * size).from_buffer(buffer)
        if llama.llama_state_seq_get_data(context.pointer, view, size, slot) == size:
            self._saved += 1
            self._saver.put("kv", self._key(context, keys), buffer, label=self._identity.label)

    def _key(self, context: Context, keys: Sequence[Key]) -> str:
        """Of all that the sequence holds and how it was computed; a state fits only as many sequences as it is from."""
        plan, identity = context.plan, self._identity
        names = (repr(tuple(key)) for key in keys)
        how: list[str | int] = [plan.n_slots, plan.micro_batch_tokens, int(plan.flash_attention), plan.kv_type]
        how += [plan.branches] if plan.branches else []
        return digest_of(_FORMAT, identity.decoder, identity.rows, *how, *names)


def up_to_last_picture(keys: Sequence[Key]) -> int:
    """How many pieces there are up to and with the last picture: what a later question has in common."""
    return max((index + 1 for index, key in enumerate(keys) if isinstance(key, RowKey)), default=0)


def _set_state(context: Context, slot: int, data: bytes) -> bool:
    view = ctypes.cast(ctypes.c_char_p(data), ctypes.POINTER(ctypes.c_uint8))
    if llama.llama_state_seq_set_data(context.pointer, view, len(data), slot):
        return True
    context.forget_from(slot, 0)
    return False
