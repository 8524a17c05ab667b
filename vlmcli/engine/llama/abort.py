"""One switch that stops llama.cpp in the middle of loading, encoding or reading in."""

from __future__ import annotations

import time

from vlmcli.engine.llama.bindings import llama, mtmd

_NODES_BETWEEN_CHECKS = 24
"""The projector's graph is computed in stretches of so many nodes, each followed by one look at the switch."""


class Abort:
    """Set from any thread. `deadline` (time.monotonic seconds) stops the work of one request in the same way.

    The callbacks live as long as this object: C holds bare pointers to them.
    """

    def __init__(self) -> None:
        self.interrupted = False  # a plain flag, which a signal handler may set at any moment
        self.deadline: float | None = None
        self._nodes = 0
        self.on_load = llama.llama_progress_callback(lambda _progress, _data: not self.interrupted)
        self.on_load_projector = mtmd.mtmd_progress_callback(lambda _progress, _data: not self.interrupted)
        self.on_decode = llama.ggml_abort_callback(lambda _data: self.stop_now)
        self.on_encode = llama.ggml_backend_sched_eval_callback(self._after_node)

    @property
    def late(self) -> bool:
        return self.deadline is not None and time.monotonic() > self.deadline

    @property
    def stop_now(self) -> bool:
        return self.interrupted or self.late

    def _after_node(self, _tensor: int, asks: bool, _data: int) -> bool:
        """ggml asks at each node whether we want to look after it, and then whether to go on."""
        if not asks:
            return not self.stop_now
        self._nodes += 1
        return self._nodes % _NODES_BETWEEN_CHECKS == 0
