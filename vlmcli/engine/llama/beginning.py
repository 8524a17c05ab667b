"""The words before the picture, which many prompts share: read once, and copied to the other sequences."""

from __future__ import annotations

import ctypes

from vlmcli.engine.held import Held, Key, RowKey
from vlmcli.engine.llama.bindings import llama
from vlmcli.engine.llama.context import Context


class Beginning:
    """The KV of the piece that was read first of late, outside of any sequence.

    llama_memory_seq_cp copies between streams only what is whole, so the state of the sequence is kept as bytes.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._key: Key | None = None
        self._end = 0
        self._state = bytearray()

    def keep(self, slot: int, key: Key, end: int) -> None:
        """`slot` holds just the words of `key`, up to position `end`. Pictures are another's business: see ReadIn."""
        if key == self._key or isinstance(key, RowKey):
            return
        size = llama.llama_state_seq_get_size(self._context.pointer, slot)
        state = bytearray(size)
        view = (ctypes.c_uint8 * size).from_buffer(state)
        if llama.llama_state_seq_get_data(self._context.pointer, view, size, slot) == size:
            self._key, self._end, self._state = key, end, state

    def copy_to(self, slot: int, key: Key, held: Held) -> bool:
        """Put the words of `key` into an empty sequence. False when they were not kept."""
        if key != self._key:
            return False
        view = (ctypes.c_uint8 * len(self._state)).from_buffer(self._state)
        if not llama.llama_state_seq_set_data(self._context.pointer, view, len(self._state), slot):
            self._context.forget_from(slot, 0)
            return False
        held.add(key, self._end)
        return True
