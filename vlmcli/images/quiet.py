"""Pillow without its warnings: whatever it has to say of a picture is said by our own errors."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# Without a handler, Python prints a library's log messages of level WARNING on stderr.
logging.getLogger("PIL").addHandler(logging.NullHandler())

_lock = threading.Lock()
_inside = 0
_silence = warnings.catch_warnings()


@contextmanager
def quiet() -> Iterator[None]:
    """No Python warning is shown within. For any number of threads at once.

    The filters belong to the process: the first thread in saves them and the last one out restores them, as
    overlapping `catch_warnings` would leave them changed for good.
    """
    global _inside, _silence
    with _lock:
        if _inside == 0:
            _silence = warnings.catch_warnings()
            _silence.__enter__()
            warnings.simplefilter("ignore")
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _silence.__exit__(None, None, None)
