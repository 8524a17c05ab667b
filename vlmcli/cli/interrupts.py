"""Ctrl-C is never lost, and ends an answer rather than the program's train of thought.

Python drops a KeyboardInterrupt that comes while a destructor or the callback of a weak reference runs (the import
system has many): it says "Exception ignored in …" and goes on. Here it is sent once more instead, a moment later.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_MOMENT_S = 0.01


@contextmanager
def never_lost() -> Iterator[None]:
    """While this is open, on the main thread. Nothing is imported when an interrupt comes: it may be in an import."""
    usual, main_thread = sys.unraisablehook, _thread.get_ident()

    def hear(unraisable: Any) -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            _thread.start_new_thread(_send_again, (main_thread,))
        else:
            usual(unraisable)

    sys.unraisablehook = hear
    try:
        yield
    finally:
        sys.unraisablehook = usual


@contextmanager
def handed_to(interrupt: Callable[[], bool]) -> Iterator[None]:
    """While this is open Ctrl-C calls `interrupt`; where that returns False it is a KeyboardInterrupt here and now.

    So what was said so far is told as an answer that was cut short, also when Ctrl-C comes while it is being printed.
    """

    def handle(number: int, frame: object) -> None:
        if not interrupt():
            raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # somebody else has plans with it
        yield
        return
    try:
        signal.signal(signal.SIGINT, handle)
    except ValueError:  # not on the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _send_again(main_thread: int) -> None:
    time.sleep(_MOMENT_S)
    if os.name == "nt":
        _thread.interrupt_main()
    else:
        signal.pthread_kill(main_thread, signal.SIGINT)  # wakes it where it waits
